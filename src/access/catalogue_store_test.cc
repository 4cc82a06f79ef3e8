#include "access/catalogue_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include "base/faulty_file_system.h"

namespace bulkhead {
namespace {

const std::string kPath = "/data/catalogue";

class CatalogueStoreTest : public testing::Test {
 protected:
  CatalogueStoreTest() {
    keys_.Add(1, RandomSecret(kKeyBytes));
    EXPECT_TRUE(fs_.CreateDirs("/data"));
  }
  CatalogueStore Open(CatalogueMode mode = CatalogueMode::kCreate) {
    return CatalogueStore::Open(fs_, kPath, keys_, mode).value();
  }
  static Result<void> AddProject(CatalogueStore& store, const std::string& name) {
    return store.Change([&](CatalogueDatabase& database) -> Result<void> {
      const Result<uint32_t> id = database.InsertProject(name, "UTC", "token of " + name);
      return id ? Result<void>() : Result<void>(id.error());
    });
  }
  static std::vector<std::string> Names(CatalogueStore& store) {
    std::vector<std::string> names;
    const std::vector<CatalogueProjectRow> rows = store.database().Projects().value();
    for (const CatalogueProjectRow& row : rows) {
      names.push_back(row.name);
    }
    return names;
  }
  using List = std::vector<std::string>;

  FaultyFileSystem fs_;
  KeyRing keys_;
};

TEST_F(CatalogueStoreTest, KeepsWhatWasWritten) {
  {
    CatalogueStore store = Open();
    EXPECT_EQ(store.generation(), 1U);
    ASSERT_TRUE(AddProject(store, "one"));
    ASSERT_TRUE(AddProject(store, "two"));
    EXPECT_EQ(store.generation(), 3U);
  }
  for (const CatalogueMode mode :
       {CatalogueMode::kReadOnly, CatalogueMode::kReadWrite, CatalogueMode::kCreate}) {
    CatalogueStore store = Open(mode);
    EXPECT_EQ(Names(store), (List{"one", "two"}));
    EXPECT_EQ(store.generation(), 3U);
  }
}

TEST_F(CatalogueStoreTest, OnlyOneModeMakesAFile) {
  for (const CatalogueMode mode : {CatalogueMode::kReadOnly, CatalogueMode::kReadWrite}) {
    EXPECT_EQ(CatalogueStore::Open(fs_, kPath, keys_, mode).error().code, ErrorCode::kNotFound);
  }
  EXPECT_FALSE(fs_.Exists(kPath));
  EXPECT_EQ(CatalogueStore::Open(fs_, kPath, KeyRing(), CatalogueMode::kCreate).error().code,
            ErrorCode::kDenied);
}

TEST_F(CatalogueStoreTest, AReaderChangesNothingAndWaitsForNobody) {
  CatalogueStore writer = Open();
  const auto lock = fs_.Lock(kPath + ".lock").value();
  const uint64_t steps = fs_.steps();
  CatalogueStore reader = Open(CatalogueMode::kReadOnly);
  EXPECT_FALSE(reader.Refresh().value());
  EXPECT_EQ(AddProject(reader, "x").error().code, ErrorCode::kDenied);
  EXPECT_EQ(fs_.steps(), steps);
  EXPECT_EQ(AddProject(writer, "x").error().code, ErrorCode::kUnavailable);  // somebody writes
}

TEST_F(CatalogueStoreTest, OthersChangesAreSeenAndKept) {
  CatalogueStore one = Open();
  CatalogueStore two = Open();
  ASSERT_TRUE(AddProject(one, "of one"));
  ASSERT_TRUE(AddProject(two, "of two"));  // on top of what it had not seen yet
  EXPECT_EQ(Names(two), (List{"of one", "of two"}));
  EXPECT_EQ(Names(one), (List{"of one"}));
  EXPECT_TRUE(one.Refresh().value());
  EXPECT_FALSE(one.Refresh().value());
  EXPECT_EQ(Names(one), (List{"of one", "of two"}));
}

TEST_F(CatalogueStoreTest, AFailedChangeLeavesNoTrace) {
  CatalogueStore store = Open();
  ASSERT_TRUE(AddProject(store, "one"));
  const std::string before = fs_.ReadWhole(kPath).value();
  const Result<void> changed = store.Change([](CatalogueDatabase& database) -> Result<void> {
    EXPECT_TRUE(database.InsertProject("half", "UTC", "half"));
    return Error{ErrorCode::kInvalid, "changed its mind"};
  });
  EXPECT_EQ(changed.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Names(store), (List{"one"}));
  EXPECT_EQ(fs_.ReadWhole(kPath).value(), before);
  EXPECT_EQ(AddProject(store, "one").error().code, ErrorCode::kUnavailable);  // the same token
  EXPECT_TRUE(AddProject(store, "two"));
}

TEST_F(CatalogueStoreTest, AnOlderFileIsNotTakenForTheNewest) {
  CatalogueStore store = Open();
  ASSERT_TRUE(AddProject(store, "one"));
  const std::string old = fs_.ReadWhole(kPath).value();
  ASSERT_TRUE(AddProject(store, "two"));
  ASSERT_TRUE(fs_.WriteFileAtomically(kPath, old));
  EXPECT_EQ(store.Refresh().error().code, ErrorCode::kCorruption);
  EXPECT_EQ(AddProject(store, "three").error().code, ErrorCode::kCorruption);
  EXPECT_EQ(Names(store), (List{"one", "two"}));
  EXPECT_EQ(fs_.ReadWhole(kPath).value(), old);
  // Nor is another one of the same number: somebody has gone on from the old one.
  CatalogueStore fork = Open();
  ASSERT_TRUE(AddProject(fork, "another two"));
  EXPECT_EQ(store.Refresh().error().code, ErrorCode::kCorruption);
  EXPECT_EQ(Names(store), (List{"one", "two"}));
}

TEST_F(CatalogueStoreTest, EveryFlippedBitAndEveryCutIsFound) {
  CatalogueStore store = Open();
  ASSERT_TRUE(AddProject(store, "one"));
  const std::string good = fs_.ReadWhole(kPath).value();
  const auto refused = [&](const std::string& bytes) {
    EXPECT_TRUE(fs_.WriteFileAtomically(kPath, bytes));
    const auto opened = CatalogueStore::Open(fs_, kPath, keys_, CatalogueMode::kReadOnly);
    const Result<bool> seen = store.Refresh();  // looks at the first bytes only
    return !opened && !(seen && *seen) && Names(store) == List{"one"};
  };
  for (size_t byte = 0; byte < good.size(); byte += byte < 64 ? 1 : 101) {
    std::string damaged = good;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << (byte % 8)));
    EXPECT_TRUE(refused(damaged)) << byte;
    EXPECT_TRUE(refused(good.substr(0, byte))) << byte;
  }
  std::string newer = good;
  newer[8] = 2;
  EXPECT_EQ(DecodeCatalogue(keys_, newer).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(fs_.WriteFileAtomically(kPath, good));
  EXPECT_TRUE(AddProject(store, "two"));
}

TEST_F(CatalogueStoreTest, WrongAndMissingKeysAreToldApart) {
  CatalogueStore store = Open();
  KeyRing wrong;
  wrong.Add(1, RandomSecret(kKeyBytes));
  EXPECT_EQ(CatalogueStore::Open(fs_, kPath, wrong, CatalogueMode::kReadOnly).error().code,
            ErrorCode::kCorruption);
  KeyRing missing;
  missing.Add(2, RandomSecret(kKeyBytes));
  EXPECT_EQ(CatalogueStore::Open(fs_, kPath, missing, CatalogueMode::kReadOnly).error().message,
            "catalogue: no key with number 1");
}

TEST_F(CatalogueStoreTest, AWriterBringsTheFileUnderTheNewestKey) {
  CatalogueStore store = Open();
  ASSERT_TRUE(AddProject(store, "one"));
  SecretBytes next = RandomSecret(kKeyBytes);
  KeyRing only_next;
  only_next.Add(2, SecretBytes(next.view()));
  keys_.Add(2, std::move(next));
  (void)Open(CatalogueMode::kReadOnly);
  EXPECT_FALSE(CatalogueStore::Open(fs_, kPath, only_next, CatalogueMode::kReadOnly));
  (void)Open(CatalogueMode::kReadWrite);
  Result<CatalogueStore> after =
      CatalogueStore::Open(fs_, kPath, only_next, CatalogueMode::kReadOnly);
  ASSERT_TRUE(after);
  EXPECT_EQ(Names(*after), (List{"one"}));
  EXPECT_TRUE(store.Refresh().value());
}

// --- Faults at every step ---

class CatalogueFaults : public CatalogueStoreTest, public testing::WithParamInterface<Fault> {};

TEST_P(CatalogueFaults, AtEveryStep) {
  uint64_t steps = 0;
  for (uint64_t step = 0; step <= steps; ++step) {
    SCOPED_TRACE(fmt::format("step {}", step));
    FaultyFileSystem fs;
    ASSERT_TRUE(fs.CreateDirs("/data"));
    if (step > 0) fs.FailAt(step - 1, GetParam());  // the first run counts the steps
    List acknowledged;
    List attempted;
    for (int run = 0; run < 2; ++run) {
      Result<CatalogueStore> store = CatalogueStore::Open(fs, kPath, keys_, CatalogueMode::kCreate);
      for (int i = 0; store && i < 3; ++i) {
        const std::string name = fmt::format("{} {}", run, i);
        attempted.push_back(name);
        if (AddProject(*store, name)) {
          acknowledged.push_back(name);
          EXPECT_EQ(Names(*store).back(), name);
        }
      }
    }
    if (step == 0) steps = fs.steps();
    for (uint64_t seed = 0; seed < 6; ++seed) {
      const auto after =
          fs.CloneAfterCrash(seed == 0 ? CrashKeeps::kSyncedOnly
                                       : (seed == 1 ? CrashKeeps::kEverything : CrashKeeps::kSome),
                             seed);
      Result<CatalogueStore> store =
          CatalogueStore::Open(*after, kPath, keys_, CatalogueMode::kCreate);
      ASSERT_TRUE(store) << store.error().message;
      const List names = Names(*store);
      for (const std::string& name : acknowledged) {
        EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
      }
      for (const std::string& name : names) {
        EXPECT_EQ(std::count(attempted.begin(), attempted.end(), name), 1) << name;
      }
      EXPECT_TRUE(AddProject(*store, "after"));
    }
  }
  EXPECT_GT(steps, 25U);
}

INSTANTIATE_TEST_SUITE_P(Faults, CatalogueFaults,
                         testing::Values(Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite,
                                         Fault::kCrash));

// --- What older programs left ---

class PlainCatalogueTest : public CatalogueStoreTest {
 protected:
  PlainCatalogueTest() {
    std::string pattern = testing::TempDir() + "bulkhead-plain-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    plain_ = dir_ + "/catalogue.db";
    path_ = dir_ + "/catalogue";
  }
  ~PlainCatalogueTest() override { std::filesystem::remove_all(dir_); }

  // As the older program did; left open, the last rows lie in the write-ahead log alone.
  sqlite3* MakePlain() {
    sqlite3* handle = nullptr;
    EXPECT_EQ(SQLITE_OK, sqlite3_open(plain_.c_str(), &handle));
    const char* sql =
        "PRAGMA journal_mode=WAL;"
        "CREATE TABLE projects (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,"
        " timezone TEXT NOT NULL, token TEXT NOT NULL UNIQUE) STRICT;"
        "CREATE TABLE service_accounts (username TEXT PRIMARY KEY, project INTEGER NOT NULL"
        " REFERENCES projects(id), hash TEXT NOT NULL) STRICT, WITHOUT ROWID;"
        "PRAGMA user_version = 1;"
        "INSERT INTO projects (name, timezone, token) VALUES ('old one', 'UTC', 'aa');"
        "INSERT INTO service_accounts VALUES ('somebody', 1, 'hash');";
    EXPECT_EQ(SQLITE_OK, sqlite3_exec(handle, sql, nullptr, nullptr, nullptr));
    return handle;
  }
  // The process died: the files stay as they are.
  void LeaveWithWriteAheadLog(sqlite3* handle) {
    const std::string copy = dir_ + "/copy";
    for (const std::string end : {"", "-wal"}) {
      std::filesystem::copy_file(plain_ + end, copy + end);
    }
    sqlite3_close(handle);
    for (const std::string end : {"", "-wal"}) {
      std::filesystem::rename(copy + end, plain_ + end);
    }
  }
  std::vector<std::string> FilesLeft() { return RealFileSystem().List(dir_).value(); }
  void ExpectAdopted() {
    Result<CatalogueStore> store =
        CatalogueStore::Open(RealFileSystem(), path_, keys_, CatalogueMode::kReadWrite);
    ASSERT_TRUE(store);
    EXPECT_EQ(Names(*store), (List{"old one"}));
    EXPECT_EQ(store->database().Accounts()->at(0).username, "somebody");
    EXPECT_TRUE(AddProject(*store, "new"));
  }
  std::string dir_;
  std::string plain_;
  std::string path_;
};

TEST_F(PlainCatalogueTest, IsTakenOverWithItsWriteAheadLogAndRemoved) {
  LeaveWithWriteAheadLog(MakePlain());
  ASSERT_EQ(FilesLeft(), (List{"catalogue.db", "catalogue.db-wal"}));
  EXPECT_TRUE(AdoptPlainCatalogue(RealFileSystem(), plain_, path_, keys_).value());
  EXPECT_EQ(FilesLeft(), (List{"catalogue"}));
  EXPECT_FALSE(AdoptPlainCatalogue(RealFileSystem(), plain_, path_, keys_).value());
  ExpectAdopted();
}

TEST_F(PlainCatalogueTest, TakingOverGoesOnAfterACrashBeforeTheRemoval) {
  sqlite3_close(MakePlain());
  std::filesystem::copy_file(plain_, dir_ + "/copy");
  ASSERT_TRUE(AdoptPlainCatalogue(RealFileSystem(), plain_, path_, keys_).value());
  std::filesystem::rename(dir_ + "/copy", plain_);
  EXPECT_TRUE(AdoptPlainCatalogue(RealFileSystem(), plain_, path_, keys_).value());
  EXPECT_EQ(FilesLeft(), (List{"catalogue"}));
  ExpectAdopted();
}

TEST_F(PlainCatalogueTest, IsLeftAloneWhereItIsInUseOrAmbiguousOrNone) {
  sqlite3* user = MakePlain();
  EXPECT_EQ(AdoptPlainCatalogue(RealFileSystem(), plain_, path_, keys_).error().code,
            ErrorCode::kUnavailable);
  EXPECT_FALSE(RealFileSystem().Exists(path_));
  sqlite3_close(user);
  {
    auto other = CatalogueStore::Open(RealFileSystem(), path_, keys_, CatalogueMode::kCreate);
    ASSERT_TRUE(other && AddProject(*other, "another"));
  }
  EXPECT_EQ(AdoptPlainCatalogue(RealFileSystem(), plain_, path_, keys_).error().code,
            ErrorCode::kInvalid);
  EXPECT_TRUE(RealFileSystem().Exists(plain_));
  ASSERT_TRUE(RealFileSystem().WriteFileAtomically(plain_, std::string(5000, 'x')));
  EXPECT_EQ(AdoptPlainCatalogue(RealFileSystem(), plain_, path_, keys_).error().code,
            ErrorCode::kCorruption);
}

TEST(CatalogueDatabaseTest, RefusesImagesThatAreNone) {
  const std::string good = CatalogueDatabase::Empty()->Image().value();
  EXPECT_TRUE(CatalogueDatabase::FromImage(good));
  EXPECT_FALSE(CatalogueDatabase::FromImage(""));
  EXPECT_FALSE(CatalogueDatabase::FromImage("x"));
  EXPECT_FALSE(CatalogueDatabase::FromImage(std::string(5000, 'x')));
  std::string other = good;
  other[63] = 99;  // the user version
  EXPECT_EQ(CatalogueDatabase::FromImage(other).error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace bulkhead
