// Reading an object: what it consists of, and the clear error for each part that is missing or foreign.
#include "tests/support/object_builder.h"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xdpc::support {
namespace {

using object::readObject;
using object::readObjectFile;

std::string errorOf(const Bytes& bytes) {
  auto result = readObject(bytes);
  return result ? "" : result.error().message;
}

TEST(Elf, ReadsAnObject) {
  ObjectParts parts{smallManifest()};
  parts.config.trial_deadline = 77;
  auto object = readObject(smallObject(parts).elf.build());
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(object->program.size(), 2u);
  EXPECT_EQ(object->license, "GPL");
  EXPECT_EQ(object->config.trial_deadline, 77u);
  EXPECT_EQ(object->manifest.policy, "p");
  EXPECT_EQ(object->manifest.maps.size(), 3u);
  EXPECT_EQ(object->manifest_json, abi::toJson(parts.manifest));
  EXPECT_TRUE(object->btf.empty());
  EXPECT_TRUE(object->references.empty());
}

TEST(Elf, NamesTheMissingSection) {
  for (const char* name : {"license", ".rodata.config", ".xdpc.manifest", "xdp.frags"}) {
    ObjectParts parts{smallManifest()};
    parts.skip = name;
    EXPECT_EQ(errorOf(smallObject(parts).elf.build()), std::string("no section `") + name + "`: not an object of xdpc");
  }
}

TEST(Elf, RefusesForeignFiles) {
  EXPECT_EQ(errorOf(toBytes("policy p { default pass }")), "not an ELF file");
  EXPECT_EQ(errorOf({}), "not an ELF file");
  SmallObject object = smallObject({smallManifest()});
  object.elf.machine = EM_X86_64;
  EXPECT_EQ(errorOf(object.elf.build()), "made for another machine (ELF machine 62, BPF is 247)");
  object.elf.machine = EM_BPF;
  object.elf.type = ET_EXEC;
  EXPECT_EQ(errorOf(object.elf.build()), "not a relocatable ELF file (type 2)");
  object.elf.type = ET_REL;
  Bytes bytes = object.elf.build();
  bytes[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(errorOf(bytes), "not a 64-bit little-endian ELF file");
}

TEST(Elf, RefusesAnotherAbi) {
  ObjectParts parts{smallManifest()};
  parts.config.abi = abi::kAbi + 1;
  EXPECT_EQ(errorOf(smallObject(parts).elf.build()),
            fmt::format("made by a newer xdpc (ABI {}, this one reads {})", abi::kAbi + 1, abi::kAbi));
  parts.config.abi = 0;
  EXPECT_EQ(errorOf(smallObject(parts).elf.build()),
            fmt::format("made by an older xdpc (ABI 0, this one reads {})", abi::kAbi));
}

TEST(Elf, RefusesADamagedManifest) {
  ObjectParts parts{smallManifest()};
  parts.skip = ".xdpc.manifest";
  SmallObject object = smallObject(parts);
  object.elf.section(".xdpc.manifest", toBytes("{\"abi\": 1"));
  EXPECT_TRUE(errorOf(object.elf.build()).starts_with("the manifest cannot be read: ")) << errorOf(object.elf.build());
}

class File : public testing::Test {
protected:
  void SetUp() override {
    char name[] = "/tmp/xdpc-object-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const char* name) const { return (folder_ / name).string(); }
  void write(const char* name, const Bytes& bytes) const {
    FILE* file = fopen(path(name).c_str(), "wb");
    ASSERT_NE(file, nullptr);
    if (!bytes.empty())
      fwrite(bytes.data(), 1, bytes.size(), file);
    fclose(file);
  }
  static std::string errorOfFile(const std::string& path) {
    auto result = readObjectFile(path);
    return result ? "" : result.error().message;
  }

  std::filesystem::path folder_;
};

TEST_F(File, IsRead) {
  write("good.o", smallObject({smallManifest()}).elf.build());
  EXPECT_EQ(errorOfFile(path("good.o")), "");
}

TEST_F(File, HasOneErrorForEachCause) {
  write("empty.o", {});
  write("text.o", toBytes("hello"));
  write("large.o", {});
  std::filesystem::resize_file(path("large.o"), (64 << 20) + 1);
  ASSERT_EQ(mkfifo(path("pipe.o").c_str(), 0600), 0);
  EXPECT_EQ(errorOfFile(path("none.o")), "cannot read `" + path("none.o") + "`: No such file or directory");
  EXPECT_EQ(errorOfFile(folder_.string()), "`" + folder_.string() + "` is not a file");
  EXPECT_EQ(errorOfFile(path("pipe.o")), "`" + path("pipe.o") + "` is not a file");
  EXPECT_EQ(errorOfFile(path("empty.o")), "`" + path("empty.o") + "` is empty");
  EXPECT_EQ(errorOfFile(path("text.o")), "`" + path("text.o") + "`: not an ELF file");
  EXPECT_EQ(errorOfFile(path("large.o")),
            "`" + path("large.o") + "` is too large for an object (67108865 bytes, at most 67108864)");
  if (geteuid() == 0)
    return; // root reads everything
  write("closed.o", toBytes("x"));
  chmod(path("closed.o").c_str(), 0);
  EXPECT_EQ(errorOfFile(path("closed.o")), "cannot read `" + path("closed.o") + "`: Permission denied");
}

} // namespace
} // namespace xdpc::support
