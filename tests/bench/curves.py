"""How cost grows with size, as plots: gnuplot draws them, as SVG. For bench.py --write."""

import dataclasses
import subprocess


@dataclasses.dataclass
class Curve:
    name: str
    title: str
    x: str
    y: str
    series: dict = dataclasses.field(default_factory=dict)  # by name: (size, value) in order of size

    def add(self, series, size, value):
        self.series.setdefault(series, []).append((size, round(value, 2)))

    def script(self, path):
        data = "".join("$s%d << END\n%s\nEND\n" % (i, "\n".join("%s %s" % point for point in points))
                       for i, points in enumerate(self.series.values()))
        plots = ", ".join("$s%d with linespoints linewidth 2 pointtype 7 pointsize 0.5 title '%s'" % (i, name.replace("'", "’"))
                          for i, name in enumerate(self.series))
        return (data + "set terminal svg size 760,520 font 'sans,12' background '#ffffff'\nset output '%s'\nset logscale xy\nset grid\n"
                "set key below left Left reverse\nset title '%s'\nset xlabel '%s'\nset ylabel '%s'\nset format x '10^%%T'\nplot %s\n") % (
                    path, self.title, self.x, self.y, plots)

    def draw(self, path):
        subprocess.run(["gnuplot"], input=self.script(path), text=True, check=True)
