// The subcommands: what each takes, and its entry point, which gives the exit code. The flags are declared in cli.cpp;
// each command is a file of its own name.
#pragma once

#include "driver/bounds.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::driver {

struct CheckOptions {
  std::vector<std::string> files;
  std::string emit;  // ast, ir, plan, llvm, asm
  bool cost = false; // what the policy costs
  bool json = false; // that, or else the diagnostics, as JSON
  std::vector<std::string> warnings;
  bool no_tables = false; // rules are compared in turn
  Bounds bounds;
};
int checkCommand(const CheckOptions& options);

struct BuildOptions {
  std::string file, output;
  std::vector<std::string> warnings;
  bool no_tables = false; // rules are compared in turn
  Bounds bounds;
};
int buildCommand(const BuildOptions& options);

struct TestOptions {
  std::vector<std::string> files;
  std::string engine = "vm";
  std::string junit; // path, or none
  std::vector<std::string> warnings;
  bool no_tables = false; // rules are compared in turn
  Bounds bounds;
};
int testCommand(const TestOptions& options);

struct ExplainOptions {
  std::string file, packet;       // as in a test
  std::vector<std::string> rules; // to ask about; none: those before the one that decides
  std::vector<std::string> warnings;
  Bounds bounds;
};
int explainCommand(const ExplainOptions& options);

struct FmtOptions {
  std::vector<std::string> files;
  bool check = false;      // say what differs, change nothing
  bool in_and_out = false; // from standard input to standard output
};
int fmtCommand(const FmtOptions& options);

struct RunOptions {
  std::string file, pcap;
  std::string engine = "vm";
  bool no_tables = false;
  bool json = false;
  std::string write_drop, write_pass; // paths, or none
  std::vector<std::string> warnings;
  Bounds bounds;
};
int runCommand(const RunOptions& options);

// Where a live policy is.
struct Target {
  std::string device;
  std::string netns; // name under /run/netns, or a path; none: this process's
  std::string bpffs = "/sys/fs/bpf";
};

struct AttachOptions {
  Target target;
  std::string file; // .xf or an object
  std::string mode = "auto";
  bool replace = false;
  std::string group;              // that may look, or none
  std::vector<std::string> reset; // names, or `all`
  std::string confirm;            // how long the trial lasts, or none
  bool json = false;
  std::vector<std::string> warnings;
  bool no_tables = false; // rules are compared in turn
  Bounds bounds;
};
int attachCommand(const AttachOptions& options);

struct ConfirmOptions {
  Target target;
  bool json = false;
};
int confirmCommand(const ConfirmOptions& options);

struct RollbackOptions {
  Target target;
  std::optional<uint32_t> generation; // none: the one before
  std::vector<std::string> reset;
  bool json = false;
};
int rollbackCommand(const RollbackOptions& options);

struct DetachOptions {
  Target target;
  std::optional<uint32_t> link; // instead of the device
  bool json = false;
};
int detachCommand(const DetachOptions& options);

struct ListOptions {
  std::string bpffs = "/sys/fs/bpf";
  bool json = false;
};
int listCommand(const ListOptions& options);

struct ShowOptions {
  Target target;
  std::string kind, name; // `meter` or `counter` and which: its keys; else the policy
  uint32_t top = 20;      // so many of them
  bool json = false;
};
int showCommand(const ShowOptions& options);
int showKeys(const ShowOptions& options); // where `kind` is set

struct CountersOptions {
  Target target;
  bool json = false;
  std::vector<std::string> names; // none: all
  std::string watch;              // how often again, or none
  uint64_t count = 0;             // of a watch: end after so many; 0: do not
};
int countersCommand(const CountersOptions& options);

struct TopOptions {
  Target target;
  std::string interval = "1s";
  uint64_t count = 0; // end after so many; 0: do not
  bool json = false;
};
int topCommand(const TopOptions& options);

struct MetricsOptions {
  std::string bpffs = "/sys/fs/bpf";
  std::string listen, textfile; // where to, or neither
  uint64_t keys = 0;            // of each keyed counter
};
int metricsCommand(const MetricsOptions& options);

struct SetOptions {
  Target target;
  std::string name;
  std::vector<std::string> elements;
  std::string file;        // of elements, `-` standard input, or none
  bool json_lines = false; // that is JSON, an object a line; of list: print so
  std::string duration;    // --for, or none
  std::string comment;     // who and why, or none
  bool replace = false;    // of load: instead of what is there
  bool json = false;       // of list
};
int setAddCommand(const SetOptions& options);
int setDelCommand(const SetOptions& options);
int setReplaceCommand(const SetOptions& options);
int setLoadCommand(const SetOptions& options);
int setFlushCommand(const SetOptions& options);
int setListCommand(const SetOptions& options);

struct SaveOptions {
  Target target;      // without a device: `all`
  bool all = false;   // that run
  std::string output; // file or directory; none: /var/lib/xdpc
  bool json = false;
};
int saveCommand(const SaveOptions& options);

struct RestoreOptions {
  Target target;      // without a device: what the files say
  std::string source; // file or directory; none: /var/lib/xdpc
  std::string config; // directory of policies that take the place of saved ones, or none
  bool json = false;
};
int restoreCommand(const RestoreOptions& options);

struct EventsOptions {
  Target target;
  bool json = false;
  uint64_t count = 0; // end after so many; 0: do not
  std::string pcap;   // their packets, into a file; "-": standard output
};
int eventsCommand(const EventsOptions& options);

struct CaptureOptions {
  Target target;
  std::string rule, verdict; // none: any
  std::string pcap;          // a file, "-", or none: lines
  uint64_t count = 0;        // end after so many; 0: do not
  uint32_t snap_length = 65535;
  std::string sample = "1/1";
  uint64_t buffer = 32 << 20; // bytes
  bool json = false;
};
int captureCommand(const CaptureOptions& options);

struct FeaturesOptions {
  std::string device, netns; // none: of the kernel alone
  std::string bpffs = "/sys/fs/bpf";
  std::string file; // a policy, or none
  bool json = false;
  std::vector<std::string> warnings;
  Bounds bounds;
};
int featuresCommand(const FeaturesOptions& options);

struct ReferenceOptions {
  std::string page; // fields, diagnostics, stdlib
};
int referenceCommand(const ReferenceOptions& options);

int versionCommand(bool json);

} // namespace xdpc::driver
