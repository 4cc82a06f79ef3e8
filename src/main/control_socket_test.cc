#include "main/control_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <mutex>
#include <vector>

#include "channel/descriptor.h"

namespace bulkhead {
namespace {

class ControlSocketTest : public testing::Test {
 protected:
  ControlSocketTest() {
    auto socket = ControlSocket::Listen(path_, [this](std::string_view line, const std::string&) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(line);
      return "heard " + std::string(line);
    });
    socket_ = std::move(socket).value();
  }
  // What comes back to these bytes once no more follow.
  [[nodiscard]] std::string Send(std::string_view bytes) const {
    const Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    EXPECT_EQ(0, ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address),
                           sizeof(address)));
    EXPECT_EQ(static_cast<ssize_t>(bytes.size()),
              ::send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
    ::shutdown(connection.get(), SHUT_WR);
    std::string answer(256, '\0');
    const ssize_t got = ::read(connection.get(), answer.data(), answer.size());
    answer.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return answer;
  }

  const std::string path_ =
      testing::TempDir() + "bulkhead-control-" + std::to_string(::getpid()) + ".sock";
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::unique_ptr<ControlSocket> socket_;
};

TEST_F(ControlSocketTest, WholeLinesAreAnsweredAndNothingElse) {
  EXPECT_EQ(Send("one\n"), "heard one\n");
  EXPECT_EQ(Send("\n"), "");
  EXPECT_EQ(Send(""), "");
  EXPECT_EQ(Send("half a comm"), "");
  EXPECT_TRUE(ControlSocket::Answers(path_));
  EXPECT_EQ(ControlSocket::Ask(path_, "two").value(), "heard two");
  EXPECT_FALSE(ControlSocket::Ask(path_, ""));
  EXPECT_EQ(lines_, (std::vector<std::string>{"one", "two"}));
}

TEST_F(ControlSocketTest, ACommandThatIsTooLongIsNotCutToAShorterOne) {
  EXPECT_EQ(Send(std::string(70'000, 'a')), "");
  EXPECT_TRUE(lines_.empty());
}

}  // namespace
}  // namespace bulkhead
