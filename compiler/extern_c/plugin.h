// What xdpc and its Clang plugin say to each other: C source in, bitcode and diagnostics out. C alone, and plain data
// alone, because each side has an LLVM of its own. The plugin exports the two functions at the end and nothing else.
// Everything that a callback is given lives as long as the call.
#ifndef XDPC_EXTERN_C_PLUGIN_H
#define XDPC_EXTERN_C_PLUGIN_H

#ifdef __cplusplus
extern "C" {
#endif

enum { kXdpcClangAbi = 1 };

// Bytes of a payload that a C function sees. What it reads lies in a buffer of kXdpcPayloadRoom bytes, the payload's
// first byte kXdpcPayloadBefore bytes behind its start: an index that is computed is masked to the power of two in
// between, which every verifier follows.
enum { kXdpcPayloadMax = 512, kXdpcPayloadIndices = 1024, kXdpcPayloadBefore = 64, kXdpcPayloadRoom = 1152 };

// Kinds of parameters and results: the bits of a number, or one of these.
enum { kXdpcPayload = 0, kXdpcBool = 1, kXdpcIpv6 = 128 };

struct XdpcFunction {
  const char* name;
  const unsigned char* parameters; /* kinds; a payload is two parameters in C, an IPv6 address, too */
  unsigned parameter_count;
  unsigned char result;
};

struct XdpcSource {
  const char* path;
  const char* text; /* ends in a zero byte, which `size` does not count */
  unsigned long size;
  const struct XdpcFunction* functions;
  unsigned function_count;
};

struct XdpcFix {
  unsigned begin, end; /* of what to replace, in the report's file */
  const char* text;
};

enum { kXdpcNote, kXdpcWarning, kXdpcError };

struct XdpcReport {
  int severity;
  const char* path;    /* null: no place in C */
  unsigned begin, end; /* bytes of the file */
  int function;        /* which function of the source it is about, or -1 */
  const char* message;
  const char* help; /* may be empty */
  const struct XdpcFix* fixes;
  unsigned fix_count;
};

struct XdpcModule {
  const char* bitcode;
  unsigned long size;
  unsigned long constants; /* bytes of the global `xdpc.constants`, or 0 */
};

struct XdpcSink {
  void* user;
  void (*file)(void* user, const char* path, const char* text, unsigned long size); /* each file read, before reports */
  void (*report)(void* user, const struct XdpcReport* report);
  void (*module)(void* user, const struct XdpcModule* module); /* last; not called after an error */
};

int xdpcClangAbi(void);
void xdpcClangCompile(const struct XdpcSource* source, const struct XdpcSink* sink);

#ifdef __cplusplus
}
#endif

#endif
