"""The commands of `bulkhead incident` on a running server, and days near today."""

import json
import subprocess
import time

from bulkhead_server import binary

NOW = int(time.time())


def incident(server, *words, stdin=""):
    return subprocess.run([binary(), "incident", words[0], str(server.data), *map(str, words[1:])], input=stdin, capture_output=True, text=True,
                          check=False)


def done(server, *words, stdin=""):
    result = incident(server, *words, stdin=stdin)
    assert result.returncode == 0, result
    return result.stdout


def asked(server, *words):
    return json.loads(done(server, *words, "--json"))


def day(offset=0):
    return time.strftime("%Y-%m-%d", time.gmtime(NOW + offset * 86400))


WINDOW = "--from", day(-1), "--to", day(1)
