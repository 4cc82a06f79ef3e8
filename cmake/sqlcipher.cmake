# SQLite with SQLCipher's page encryption, from the one source file that `./dev deps` fetches. Only what is used of it: no extensions to
# load, no log of its own, nothing in temporary files.
set(SQLCIPHER_SOURCE ${CMAKE_SOURCE_DIR}/build/sqlcipher)
if(NOT EXISTS ${SQLCIPHER_SOURCE}/sqlite3.c)
  message(FATAL_ERROR "build/sqlcipher is missing: run ./dev deps")
endif()
add_library(sqlcipher STATIC ${SQLCIPHER_SOURCE}/sqlite3.c)
target_include_directories(sqlcipher SYSTEM PUBLIC ${SQLCIPHER_SOURCE})
target_compile_definitions(sqlcipher
  PUBLIC SQLITE_HAS_CODEC SQLITE_OMIT_LOAD_EXTENSION
  PRIVATE SQLITE_EXTRA_INIT=sqlcipher_extra_init SQLITE_EXTRA_SHUTDOWN=sqlcipher_extra_shutdown SQLITE_TEMP_STORE=2
          SQLITE_THREADSAFE=1 SQLCIPHER_CRYPTO_OPENSSL SQLCIPHER_OMIT_LOG SQLCIPHER_OMIT_LOG_DEVICE SQLITE_DQS=0
          SQLITE_OMIT_SHARED_CACHE SQLITE_OMIT_DEPRECATED SQLITE_LIKE_DOESNT_MATCH_BLOBS SQLITE_ENABLE_DBPAGE_VTAB
          HAVE_STDINT_H=1 HAVE_FDATASYNC=1 HAVE_USLEEP=1 NDEBUG)
target_compile_options(sqlcipher PRIVATE -w -O2 -fno-omit-frame-pointer -fstack-protector-strong)
target_link_libraries(sqlcipher PUBLIC OpenSSL::Crypto Threads::Threads)
