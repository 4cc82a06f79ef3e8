"""Signed mails as another implementation (dkimpy) sees them."""

import email
import email.policy
import pathlib
import subprocess

import dkim
import pytest
from bulkhead_server import binary

NAMES = ("plain", "folded", "empty", "only_empty_lines", "trailing_lines", "no_last_line_end", "notice", "foreign")


@pytest.fixture(scope="module")
def mails(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mails")
    subprocess.run([str(pathlib.Path(binary()).parent / "sign_mail"), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def records(mails):
    return dict(line.split("\t", 1) for line in (mails / "records").read_text().splitlines())


def verdicts(message, records):
    """One for each signature: first Ed25519's, then RSA's."""
    checker = dkim.DKIM(message)

    def ask(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode()

    found = []
    for number in range(2):
        try:
            found.append(checker.verify(idx=number, dnsfunc=ask))
        except dkim.DKIMException:
            found.append(False)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_both_signatures_are_good(mails, records, name):
    message = (mails / f"{name}.eml").read_bytes()
    assert message.count(b"DKIM-Signature:") == 2
    assert b"a=ed25519-sha256" in message and b"a=rsa-sha256" in message
    assert verdicts(message, records) == [True, True]


@pytest.mark.parametrize("name", NAMES)
def test_relays_may_fold_and_pad(mails, records, name):
    """What relaxed forms allow: other spaces in headers, spaces and empty lines at the end of the body."""
    message = (mails / f"{name}.eml").read_bytes().replace(b"\r\nTo: ", b"\r\nto:\t ", 1)
    assert verdicts(message + (b"" if name == "no_last_line_end" else b"\r\n\r\n"), records) == [True, True]


@pytest.mark.parametrize("was, is_now", [
    (b"A line", b"A lime"), (b"Subject: A notice", b"Subject: No notice"), (b"\r\nTo: one@", b"\r\nTo: two@"),
    (b"From: Security", b"From: Other <o@example.net>\r\nFrom: Security"),
    (b"\r\nDate:", b"\r\nSubject: Another\r\nDate:"), (b"\r\nDate:", b"\r\nReply-To: x@example.net\r\nDate:"),
    (b"t=1764236700", b"t=1764236701"), (b"d=example.com", b"d=example.net")])
def test_changes_are_found(mails, records, was, is_now):
    message = (mails / "plain.eml").read_bytes()
    assert was in message
    assert verdicts(message.replace(was, is_now), records) == [False, False]


def test_other_keys_do_not_verify(mails, records, tmp_path):
    subprocess.run([str(pathlib.Path(binary()).parent / "sign_mail"), str(tmp_path)], check=True)
    others = dict(line.split("\t", 1) for line in (tmp_path / "records").read_text().splitlines())
    assert others != records
    assert verdicts((mails / "plain.eml").read_bytes(), others) == [False, False]


def test_mail_readers_see_the_words(mails):
    message = email.message_from_bytes((mails / "foreign.eml").read_bytes(), policy=email.policy.default)
    assert message["Subject"] == "Ein Teil Ihrer Daten wurde öffentlich: 您的数据, und das ist eine lange Zeile"
    assert message["From"].addresses[0].display_name == "Plattförm"
    assert message["From"].addresses[0].addr_spec == "security@example.com"
    plain, html = message.iter_parts()
    assert "Für Sie heißt das: Vorsicht." in plain.get_content()
    assert html.get_content_type() == "text/html" and "Für Sie heißt das: Vorsicht." in html.get_content()
    assert not message.defects and not plain.defects and not html.defects
