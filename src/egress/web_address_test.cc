#include "egress/web_address.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

TEST(WebAddress, IsTakenApart) {
  const WebAddress plain = ParseWebAddress("https://hooks.example.org/a/b?c=d").value();
  EXPECT_TRUE(plain.tls);
  EXPECT_EQ(plain.host, "hooks.example.org");
  EXPECT_EQ(plain.port, 443);
  EXPECT_EQ(plain.target, "/a/b?c=d");
  const WebAddress bare = ParseWebAddress("http://127.0.0.1:8080?x").value();
  EXPECT_FALSE(bare.tls);
  EXPECT_EQ(bare.port, 8080);
  EXPECT_EQ(bare.target, "/?x");
  const WebAddress six = ParseWebAddress("https://[2606:4700::1111]:444").value();
  EXPECT_EQ(six.host, "2606:4700::1111");
  EXPECT_EQ(six.port, 444);
  EXPECT_EQ(six.target, "/");
}

TEST(WebAddress, RefusesWhatIsNone) {
  for (const char* url :
       {"", "ftp://a/", "https://", "https:///x", "https://a:b/", "https://a:0/",
        "https://a:70000/", "https://user@a/", "https://a/#x", "https://a/\r\nX: y", "https://a b/",
        "https://[::1/", "https://[::1]x/", "HTTPS://a/"}) {
    EXPECT_FALSE(ParseWebAddress(url)) << url;
  }
}

TEST(WebAddress, KnowsWhatLiesInside) {
  for (const char* inside : {"127.0.0.1",
                             "10.1.2.3",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.168.1.1",
                             "169.254.169.254",
                             "100.64.0.1",
                             "0.0.0.0",
                             "224.0.0.1",
                             "255.255.255.255",
                             "198.18.0.1",
                             "::",
                             "::1",
                             "fe80::1",
                             "fc00::1",
                             "fd12::1",
                             "ff02::1",
                             "::ffff:127.0.0.1",
                             "::ffff:10.0.0.1",
                             "64:ff9b::a00:1",
                             "2002:7f00:1::",
                             "2001:0:1::",
                             "2001:db8::1",
                             "localhost",
                             ""}) {
    EXPECT_TRUE(IsInternalAddress(inside)) << inside;
  }
  for (const char* outside : {"8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1",
                              "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"}) {
    EXPECT_FALSE(IsInternalAddress(outside)) << outside;
  }
}

TEST(WebAddress, ReachesInsideOnlyWhereItIsListed) {
  EXPECT_TRUE(MayReach("8.8.8.8", {}));
  EXPECT_FALSE(MayReach("127.0.0.1", {}));
  EXPECT_TRUE(MayReach("127.0.0.1", {"10.0.0.1", "127.0.0.1"}));
  EXPECT_FALSE(MayReach("127.0.0.2", {"127.0.0.1"}));
  EXPECT_TRUE(MayReach("::1", {"0:0:0:0:0:0:0:1"}));
  EXPECT_FALSE(MayReach("no address", {"no address"}));
}

}  // namespace
}  // namespace bulkhead
