// See cli.h. Every subcommand's flags are declared here and nowhere else; docs/cli.md is compared with them, and each
// --help is a golden file under tests/lit/cli.
#include "driver/cli.h"

#include "compiler/diag/diag.h"
#include "driver/commands.h"
#include "driver/completion.h"
#include "driver/output.h"
#include "runtime/kernel/privilege.h"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace xdpc::driver {

namespace {

// What a command may do from its start on.
struct Privilege {
  kernel::Need need;
  kernel::Reach reach;
};

// Most: those without a target compile and run in user space, the others change something on a device.
template <class Options> Privilege privilegeOf(const Options& options) {
  if constexpr (requires { options.engine; })
    return {options.engine.starts_with("kernel") ? kernel::Need::change : kernel::Need::files,
            kernel::Reach::own_namespace};
  else if constexpr (requires { options.target; })
    return {kernel::Need::change, options.target.netns.empty() ? kernel::Reach::own_namespace : kernel::Reach::others};
  else
    return {kernel::Need::files, kernel::Reach::own_namespace};
}

template <class Options> Privilege looking(const Options& options) {
  return {kernel::Need::look, options.target.netns.empty() ? kernel::Reach::own_namespace : kernel::Reach::others};
}
Privilege privilegeOf(const ShowOptions& options) {
  return looking(options);
}
Privilege privilegeOf(const CountersOptions& options) {
  return looking(options);
}
Privilege privilegeOf(const EventsOptions& options) {
  Privilege privilege = looking(options);
  if (!options.pcap.empty()) // packets are copied by another load of the program
    privilege.need = kernel::Need::change;
  return privilege;
}
Privilege privilegeOf(const TopOptions& options) {
  return looking(options);
}
// These see other namespaces, or programs of others.
Privilege privilegeOf(const MetricsOptions&) {
  return {kernel::Need::look, kernel::Reach::others};
}
Privilege privilegeOf(const FeaturesOptions&) {
  return {kernel::Need::change, kernel::Reach::others};
}
Privilege privilegeOf(const DetachOptions&) {
  return {kernel::Need::change, kernel::Reach::others};
}
Privilege privilegeOf(const ListOptions&) {
  return {kernel::Need::look, kernel::Reach::others};
}
Privilege privilegeOf(const SaveOptions&) {
  return {kernel::Need::look, kernel::Reach::others};
}
Privilege privilegeOf(const AttachOptions&) {
  return {kernel::Need::change, kernel::Reach::others};
}
Privilege privilegeOf(const RestoreOptions&) {
  return {kernel::Need::change, kernel::Reach::others};
}

class Commands {
public:
  explicit Commands(CLI::App& app) : app_(app) {
    addOffline();
    addLive();
    addState();
  }
  int code() const { return code_; }

private:
  // A subcommand whose flags `declare` puts into options of its own, and which then runs `entry` with them.
  template <class Options>
  void add(CLI::App& parent, const char* name, const char* description, int (*entry)(const Options&),
           void (*declare)(CLI::App&, Options&)) {
    CLI::App* command = parent.add_subcommand(name, description);
    auto options = std::make_shared<Options>();
    // Those of the others would take a millisecond.
    command->preparse_callback([command, options, declare](size_t) { declare(*command, *options); });
    declarations_.push_back([command, options, declare] { declare(*command, *options); });
    command->callback([this, options, entry] {
      const Privilege privilege = privilegeOf(*options);
      kernel::keepOnly(privilege.need, privilege.reach);
      code_ = entry(*options);
    });
  }

  void addOffline();
  void addLive();
  void addState();
  void addSets();

  CLI::App& app_;
  int code_ = kFine;
  std::vector<std::function<void()>> declarations_; // of all options
};

CLI::Option* declareDevice(CLI::App& app, Target& target, const char* what) {
  CLI::Option* device = app.add_option("--dev", target.device, what)->type_name("IF");
  app.add_option("--netns", target.netns, "its network namespace, by name or path")->type_name("N");
  app.add_option("--bpffs", target.bpffs, "where bpffs is mounted")->type_name("DIR")->capture_default_str();
  return device;
}

void declareTarget(CLI::App& app, Target& target) {
  declareDevice(app, target, "the network interface, or several: eth0,eth1")->required();
}

void declareWarnings(CLI::App& app, std::vector<std::string>& warnings) {
  app.add_option("-W", warnings,
                 "-Wno-NAME: not this warning; -Werror, -Werror=NAME: warnings, or this one, are errors")
      ->type_name("NAME")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false); // or `-Wno-x FILE -o OUT` would take FILE for a second name
}

void declareBounds(CLI::App& app, Bounds& bounds) {
  const auto add = [&](const char* name, auto& value, const char* description) {
    return app.add_option(name, value, description)->type_name("N")->capture_default_str()->group("Bounds");
  };
  add("--max-depth", bounds.depth, "nesting of brackets and `not`")->check(CLI::Range(1u, 250u));
  add("--max-rules", bounds.rules, "rules")->check(CLI::Range(uint64_t{0}, Bounds{}.rules));
  add("--max-elements", bounds.elements, "elements of sets that are written out")
      ->check(CLI::Range(uint64_t{0}, Bounds{}.elements));
  add("--max-memory", bounds.memory, "bytes of maps, on one CPU: 512MiB")->transform(CLI::AsSizeValue(false));
  add("--max-instructions", bounds.instructions, "instructions of the program")
      ->check(CLI::Range(uint64_t{0}, Bounds{}.instructions));
  add("--max-errors", bounds.errors, "errors, and warnings, that are printed; 0: all");
}

void declareTables(CLI::App& app, bool& no_tables) {
  app.add_flag("--no-tables", no_tables, "compare rules in turn, without tables of them");
}

void declareReset(CLI::App& app, std::vector<std::string>& reset) {
  app.add_option("--reset", reset, "let this set, meter, counter or rule start afresh in a swap; all: everything")
      ->type_name("NAME")
      ->take_all()
      ->allow_extra_args(false);
}

void declareEngine(CLI::App& app, std::string& engine) {
  app.add_option(
         "--engine", engine,
         "vm: in user space; kernel: by BPF_PROG_TEST_RUN; vm-copied, kernel-copied: the same with headers read "
         "from a copy, as in frames of several buffers")
      ->check(CLI::IsMember({"vm", "kernel", "vm-copied", "kernel-copied"}))
      ->type_name("ENGINE")
      ->capture_default_str();
}

void declareJson(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "for programs: JSON");
}

void Commands::addOffline() {
  add<CheckOptions>(app_, "check", "Diagnose policies.", checkCommand, [](CLI::App& app, CheckOptions& options) {
    app.add_option("FILE", options.files, "policies")->required()->type_name("");
    app.add_option("--emit", options.emit, "print what a phase gives: ast, ir, plan, llvm, asm")
        ->check(CLI::IsMember({"ast", "ir", "plan", "llvm", "asm"}))
        ->type_name("PHASE");
    app.add_flag("--cost", options.cost, "print what it costs, rule by rule")->excludes("--emit");
    app.add_flag("--json", options.json, "the cost, or else the diagnostics, as JSON")->excludes("--emit");
    declareTables(app, options.no_tables);
    declareWarnings(app, options.warnings);
    declareBounds(app, options.bounds);
  });
  add<BuildOptions>(app_, "build", "Compile a policy to one self-contained object.", buildCommand,
                    [](CLI::App& app, BuildOptions& options) {
                      app.add_option("FILE", options.file, "the policy")->required()->type_name("");
                      app.add_option("-o,--output", options.output, "the object")->required()->type_name("OUT");
                      declareTables(app, options.no_tables);
                      declareWarnings(app, options.warnings);
                      declareBounds(app, options.bounds);
                    });
  add<TestOptions>(app_, "test", "Run the tests that stand in policies; prints TAP.", testCommand,
                   [](CLI::App& app, TestOptions& options) {
                     app.add_option("FILE", options.files, "policies")->required()->type_name("");
                     declareEngine(app, options.engine);
                     app.add_option("--junit", options.junit, "write the results as JUnit XML, too")->type_name("OUT");
                     declareTables(app, options.no_tables);
                     declareWarnings(app, options.warnings);
                     declareBounds(app, options.bounds);
                   });
  add<ExplainOptions>(
      app_, "explain", "Say what a policy does with a packet, rule by rule.", explainCommand,
      [](CLI::App& app, ExplainOptions& options) {
        app.add_option("FILE", options.file, "the policy")->required()->type_name("");
        app.add_option("PACKET", options.packet, "as in a test: \"ipv4/tcp(dport = 22)\"")->required()->type_name("");
        app.add_option("--rule", options.rules, "ask about this rule; can be given again")
            ->type_name("NAME")
            ->allow_extra_args(false);
        declareWarnings(app, options.warnings);
        declareBounds(app, options.bounds);
      });
  add<FmtOptions>(app_, "fmt", "Lay policies out.", fmtCommand, [](CLI::App& app, FmtOptions& options) {
    app.add_option("FILE", options.files, "policies, rewritten in place")->type_name("");
    app.add_flag("--check", options.check, "say which are not laid out, change nothing");
    app.add_flag("--stdin", options.in_and_out, "from standard input to standard output");
  });
  add<RunOptions>(app_, "run", "Run a policy over a capture.", runCommand, [](CLI::App& app, RunOptions& options) {
    app.add_option("FILE", options.file, "the policy, or its object")->required()->type_name("");
    app.add_option("--pcap", options.pcap, "the capture, pcap or pcapng")->required()->type_name("IN");
    declareEngine(app, options.engine);
    declareTables(app, options.no_tables);
    app.add_flag("--json", options.json, "a line a frame, then the totals, as JSON");
    app.add_option("--write-drop", options.write_drop, "write the dropped frames")->type_name("OUT");
    app.add_option("--write-pass", options.write_pass, "write the passed frames")->type_name("OUT");
    declareWarnings(app, options.warnings);
    declareBounds(app, options.bounds);
  });
  add<ReferenceOptions>(app_, "reference", "Print a page of the reference, as Markdown.", referenceCommand,
                        [](CLI::App& app, ReferenceOptions& options) {
                          app.add_option("PAGE", options.page, "fields, diagnostics or stdlib")
                              ->required()
                              ->check(CLI::IsMember({"fields", "diagnostics", "stdlib"}))
                              ->type_name("");
                        });
  CLI::App* completion = app_.add_subcommand("completion", "Print a completion script for a shell.");
  auto shell = std::make_shared<std::string>();
  completion->add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}))
      ->type_name("");
  completion->callback([this, shell] {
    for (const auto& declare : declarations_)
      declare();
    print(completionScript(app_, *shell));
  });
  CLI::App* version = app_.add_subcommand("version", "Say which version this is.");
  auto json = std::make_shared<bool>(false);
  declareJson(*version, *json);
  version->callback([this, json] { code_ = versionCommand(*json); });
}

void Commands::addLive() {
  add<AttachOptions>(
      app_, "attach", "Compile, load and attach a policy, or swap it in.", attachCommand,
      [](CLI::App& app, AttachOptions& options) {
        app.add_option("FILE", options.file, "the policy, or its object")->required()->type_name("");
        declareTarget(app, options.target);
        app.add_option("--mode", options.mode, "auto: native, or generic with a warning; native; generic")
            ->check(CLI::IsMember({"auto", "native", "generic"}))
            ->type_name("MODE")
            ->capture_default_str();
        app.add_flag("--replace", options.replace, "replace a program that is not xdpc's");
        app.add_option("--group", options.group, "a group that may look: list, show, counters")->type_name("NAME");
        declareReset(app, options.reset);
        app.add_option("--confirm", options.confirm,
                       "a trial: what ran before is back after this time, without `xdpc confirm`")
            ->type_name("TIME");
        declareJson(app, options.json);
        declareTables(app, options.no_tables);
        declareWarnings(app, options.warnings);
        declareBounds(app, options.bounds);
      });
  add<ConfirmOptions>(app_, "confirm", "End a trial: the new policy stays.", confirmCommand,
                      [](CLI::App& app, ConfirmOptions& options) {
                        declareTarget(app, options.target);
                        declareJson(app, options.json);
                      });
  add<RollbackOptions>(app_, "rollback", "End a trial, or go back to an earlier policy.", rollbackCommand,
                       [](CLI::App& app, RollbackOptions& options) {
                         app.add_option("GENERATION", options.generation,
                                        "as `xdpc show` numbers them; none: the one before")
                             ->type_name("");
                         declareTarget(app, options.target);
                         declareReset(app, options.reset);
                         declareJson(app, options.json);
                       });
  add<DetachOptions>(
      app_, "detach", "Take the policy off an interface.", detachCommand, [](CLI::App& app, DetachOptions& options) {
        declareTarget(app, options.target);
        CLI::Option* device = app.get_option("--dev");
        device->required(false);
        app.add_option("--link", options.link, "instead: the id of its link, as `xdpc list --json` has it")
            ->type_name("ID")
            ->excludes(device);
        declareJson(app, options.json);
        app.require_option(1, 0);
      });
  add<ListOptions>(app_, "list", "List what is attached where.", listCommand, [](CLI::App& app, ListOptions& options) {
    app.add_option("--bpffs", options.bpffs, "where bpffs is mounted")->type_name("DIR")->capture_default_str();
    declareJson(app, options.json);
  });
  add<ShowOptions>(app_, "show", "Show an interface's policy, or the keys of a meter or counter.", showCommand,
                   [](CLI::App& app, ShowOptions& options) {
                     app.add_option("KIND", options.kind, "meter, counter; none: the policy")
                         ->check(CLI::IsMember({"meter", "counter"}))
                         ->type_name("");
                     app.add_option("NAME", options.name, "which one: its keys, the largest first")->type_name("");
                     declareTarget(app, options.target);
                     app.add_option("--top", options.top, "so many keys")->type_name("N")->capture_default_str();
                     declareJson(app, options.json);
                   });
}

void Commands::addState() {
  add<FeaturesOptions>(
      app_, "features", "Say what kernel, driver and device can do, for a policy.", featuresCommand,
      [](CLI::App& app, FeaturesOptions& options) {
        app.add_option("FILE", options.file, "a policy, or its object")->type_name("");
        app.add_option("--dev", options.device, "the network interface")->type_name("IF");
        app.add_option("--netns", options.netns, "its network namespace, by name or path")->type_name("N");
        app.add_option("--bpffs", options.bpffs, "where bpffs is mounted")->type_name("DIR")->capture_default_str();
        declareJson(app, options.json);
        declareWarnings(app, options.warnings);
        declareBounds(app, options.bounds);
      });
  add<CountersOptions>(
      app_, "counters", "Print the counts of rules and counters.", countersCommand,
      [](CLI::App& app, CountersOptions& options) {
        app.add_option("NAME", options.names, "only these rules and counters")->type_name("");
        declareTarget(app, options.target);
        declareJson(app, options.json);
        CLI::Option* watch =
            app.add_option("--watch", options.watch, "print them again after each interval (1s), with rates")
                ->type_name("TIME")
                ->expected(0, 1)
                ->default_str("1s")
                ->option_text("[TIME]");
        app.add_option("--count", options.count, "end after so many times")->type_name("N")->needs(watch);
      });
  add<TopOptions>(
      app_, "top", "Watch the rates of rules, the busiest first.", topCommand, [](CLI::App& app, TopOptions& options) {
        declareTarget(app, options.target);
        app.add_option("--interval", options.interval, "between two looks")->type_name("TIME")->capture_default_str();
        CLI::Option* count = app.add_option("--count", options.count, "end after so many looks")->type_name("N");
        app.add_flag_callback("--once", [&options] { options.count = 1; }, "end after the first look")->excludes(count);
        declareJson(app, options.json);
      });
  add<MetricsOptions>(
      app_, "metrics", "Print the state of all attached policies for Prometheus.", metricsCommand,
      [](CLI::App& app, MetricsOptions& options) {
        CLI::Option* listen =
            app.add_option("--listen", options.listen, "serve it at http://ADDR:PORT/metrics")->type_name("ADDR:PORT");
        app.add_option("--textfile", options.textfile, "write it to a file, for node_exporter's textfile collector")
            ->type_name("FILE")
            ->excludes(listen);
        app.add_option("--keys", options.keys, "the largest keys of each keyed counter, too, so many")
            ->type_name("N")
            ->capture_default_str();
        app.add_option("--bpffs", options.bpffs, "where bpffs is mounted")->type_name("DIR")->capture_default_str();
      });
  addSets();
  add<SaveOptions>(
      app_, "save", "Save policies and what their sets hold.", saveCommand, [](CLI::App& app, SaveOptions& options) {
        CLI::Option* device = declareDevice(app, options.target, "the network interface");
        app.add_flag("--all", options.all, "all that run, into a directory")->excludes(device);
        app.add_option("-o,--output", options.output, "a file or a directory; none: /var/lib/xdpc")->type_name("OUT");
        declareJson(app, options.json);
      });
  add<RestoreOptions>(
      app_, "restore", "Put saved policies back, with what their sets held.", restoreCommand,
      [](CLI::App& app, RestoreOptions& options) {
        app.add_option("FROM", options.source, "a file or a directory; none: /var/lib/xdpc")->type_name("");
        declareDevice(app, options.target, "the network interface; none: the saved one, or all of them");
        app.add_option("--config", options.config,
                       "policies, DIR/IF.xf, that take the place of saved ones where they are there")
            ->type_name("DIR");
        declareJson(app, options.json);
      });
  add<EventsOptions>(app_, "events", "Print events as they come, until interrupted.", eventsCommand,
                     [](CLI::App& app, EventsOptions& options) {
                       declareTarget(app, options.target);
                       declareJson(app, options.json);
                       app.add_option("--count", options.count, "end after so many")->type_name("N");
                       app.add_option("--pcap", options.pcap,
                                      "their packets as pcapng, with rule and verdict; -: to standard output")
                           ->type_name("OUT");
                     });
  add<CaptureOptions>(app_, "capture", "Copy packets of a rule or verdict in flight.", captureCommand,
                      [](CLI::App& app, CaptureOptions& options) {
                        declareTarget(app, options.target);
                        app.add_option("--rule", options.rule, "those that this rule decided")->type_name("R");
                        app.add_option("--verdict", options.verdict, "those that got this verdict")
                            ->check(CLI::IsMember({"pass", "drop", "abort", "tx", "redirect"}))
                            ->type_name("VERDICT");
                        app.add_option("--pcap", options.pcap,
                                       "as pcapng, with rule and verdict; -: to standard output")
                            ->type_name("OUT");
                        app.add_option("--count", options.count, "end after so many")->type_name("N");
                        app.add_option("--snaplen", options.snap_length, "bytes of each at most")
                            ->check(CLI::Range(1u, 65536u))
                            ->type_name("N")
                            ->capture_default_str();
                        app.add_option("--sample", options.sample, "one in N")->type_name("1/N")->capture_default_str();
                        app.add_option("--buffer", options.buffer, "bytes that may wait to be read: 32MiB")
                            ->transform(CLI::AsSizeValue(false))
                            ->check(CLI::Range(uint64_t{1} << 18, uint64_t{1} << 30))
                            ->type_name("SIZE");
                        declareJson(app, options.json);
                      });
}

void declareSet(CLI::App& app, SetOptions& options) {
  app.add_option("NAME", options.name, "the set")->required()->type_name("");
  declareTarget(app, options.target);
}

// Elements, from wherever they come.
void declareElements(CLI::App& app, SetOptions& options) {
  declareSet(app, options);
  app.add_option("ELEMENT", options.elements, "as in the language: 192.0.2.0/24, \"(192.0.2.7, 443)\"")->type_name("");
  app.add_option("--file", options.file, "elements, one a line, as `load` reads them; -: standard input")
      ->type_name("FILE");
  app.add_flag("--json-lines", options.json_lines,
               "JSON objects, one a line, of --file or standard input: "
               "{\"element\":\"192.0.2.1\",\"for\":\"10m\",\"comment\":\"…\"}");
}

// What holds where an element says nothing else.
void declareLife(CLI::App& app, SetOptions& options) {
  app.add_option("--for", options.duration, "how long, as in 10m; none: without an end")->type_name("TIME");
  app.add_option("--comment", options.comment, "who and why, for `xdpc set list`")->type_name("TEXT");
}

void Commands::addSets() {
  CLI::App* set = app_.add_subcommand("set", "Change and list the elements of a set.");
  set->require_subcommand(1);
  add<SetOptions>(*set, "add", "Add elements.", setAddCommand, [](CLI::App& app, SetOptions& options) {
    declareElements(app, options);
    declareLife(app, options);
  });
  add<SetOptions>(*set, "del", "Delete elements, exactly these.", setDelCommand, declareElements);
  add<SetOptions>(*set, "replace", "Put elements in place of all that are there, in one step.", setReplaceCommand,
                  [](CLI::App& app, SetOptions& options) {
                    declareElements(app, options);
                    declareLife(app, options);
                  });
  add<SetOptions>(*set, "load", "Add elements from a file.", setLoadCommand, [](CLI::App& app, SetOptions& options) {
    declareSet(app, options);
    app.add_option("FILE", options.file, "elements, one a line; # starts a comment; -: standard input")
        ->required()
        ->type_name("");
    app.add_flag("--json-lines", options.json_lines, "it holds JSON objects, one a line");
    app.add_flag("--replace", options.replace, "in place of all that are there, in one step");
    declareLife(app, options);
  });
  add<SetOptions>(*set, "flush", "Take all elements out, in one step.", setFlushCommand, declareSet);
  add<SetOptions>(*set, "list", "List the live elements.", setListCommand, [](CLI::App& app, SetOptions& options) {
    declareSet(app, options);
    CLI::Option* lines =
        app.add_flag("--json-lines", options.json_lines, "JSON objects, one a line, as `add` reads them");
    declareJson(app, options.json);
    lines->excludes("--json");
  });
}

} // namespace

namespace {

// CLI11 says of an unknown command only that one is required.
std::optional<std::string> unknownCommand(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-')
    return {};
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), argv[1]) != names.end())
    return {};
  const auto near = diag::nearest(argv[1], names);
  return fmt::format("unknown command `{}`{}", argv[1], near ? fmt::format(": did you mean `{}`?", *near) : "");
}

int usage(std::string_view message) {
  return fail(kUsage, fmt::format("{}\n      `xdpc --help` and `xdpc COMMAND --help` say more", message));
}

} // namespace

int runCli(int argc, char** argv) {
  CLI::App app("xdpc: packet-filter policies to XDP programs", "xdpc");
  app.set_version_flag("--version", std::string("xdpc ") + XDPC_VERSION);
  app.require_subcommand(1);
  Commands commands(app);
  // As others have it: `xdpc help`, `xdpc help set`.
  std::vector<char*> words(argv, argv + argc);
  if (argc > 1 && std::string_view(argv[1]) == "help") {
    static char option[] = "--help";
    words.erase(words.begin() + 1);
    words.push_back(option);
  }
  argv = words.data();
  if (const auto message = unknownCommand(app, argc, argv))
    return usage(*message);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) { // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return usage(error.what());
  }
  return commands.code();
}

} // namespace xdpc::driver
