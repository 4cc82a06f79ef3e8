"""What must never come to light: kinds of secrets and personal data, each with random cores to search for.

A kind is a function of a random source that answers (value, cores): the text as a client would send it, and the parts of it
that must not be found anywhere. All are made up; formats are the real ones, checksums included."""

import base64
import json
import random
import string

LOWER = string.ascii_lowercase + string.digits
MIXED = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def pick(rnd, alphabet, length):
    return "".join(rnd.choice(alphabet) for _ in range(length))


def core(rnd, length=14):
    """Letters and digits mixed, never a word."""
    return pick(rnd, string.ascii_lowercase, 2) + pick(rnd, LOWER, length - 4) + pick(rnd, string.digits, 2)


def luhn(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def iban(rnd, country, body_length):
    body = pick(rnd, string.digits, body_length)
    as_number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    return f"{country}{98 - as_number % 97:02d}{body}"


def simple(template, alphabet, length):
    """One random run in a fixed frame."""
    def make(rnd):
        secret = pick(rnd, alphabet, length)
        return template.format(secret), [secret]
    return make


def cored(template):
    def make(rnd):
        secret = core(rnd)
        return template.format(secret), [secret]
    return make


def jwt(rnd):
    secret = core(rnd)
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")
    payload = part({"sub": secret, "iat": 1768478400, "role": "admin"})
    signature = pick(rnd, MIXED, 43)
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{payload}.{signature}", [payload[:40], signature, secret]


def basic(rnd):
    secret = core(rnd)
    coded = base64.b64encode(f"admin:{secret}".encode()).decode()
    return f"Basic {coded}", [secret, coded.rstrip("=")[-16:]]


def pem(rnd):
    secret = pick(rnd, MIXED, 64)
    return f"-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----", [secret[:20], secret[30:60]]


def service_account(rnd):
    secret = pick(rnd, HEX, 40)
    return json.dumps({"type": "service_account", "project_id": "p", "private_key_id": secret}), [secret]


def phone(rnd):
    digits = "1" + rnd.choice("579") + rnd.choice("123456789") + pick(rnd, string.digits, 8)
    return f"+49{digits}", [f"49{digits}", digits]


def phone_spaced(rnd):
    a, b, c = "20", pick(rnd, "3456789", 4), pick(rnd, string.digits, 4)
    return f"+44 {a} {b} {c}", [f"{a} {b} {c}", f"{a}{b}{c}"]


def phone_nanp(rnd):
    b, c = rnd.choice("2346789") + pick(rnd, "2345678", 2), pick(rnd, string.digits, 4)
    return f"(415) {b}-{c}", [f"415) {b}-{c}", f"415{b}{c}", f"+1415{b}{c}"]


def card(rnd):
    number = luhn("4" + pick(rnd, string.digits, 14))
    return number, [number]


def card_spaced(rnd):
    number = luhn("52" + pick(rnd, string.digits, 13))
    spaced = " ".join(number[i:i + 4] for i in range(0, 16, 4))
    return spaced, [spaced, number]


def iban_german(rnd):
    number = iban(rnd, "DE", 18)
    return number, [number[4:]]


def iban_spaced(rnd):
    number = iban(rnd, "FR", 23)
    spaced = " ".join(number[i:i + 4] for i in range(0, len(number), 4))
    return spaced, [number[4:], spaced[5:]]


def ssn(rnd):
    number = f"{rnd.randrange(101, 650):03d}-{rnd.randrange(11, 99):02d}-{rnd.randrange(1000, 9999)}"
    return number, [number]


def ipv4(rnd):
    address = f"{rnd.choice((81, 93, 109, 178, 203))}.{rnd.randrange(11, 99)}.{rnd.randrange(101, 254)}.{rnd.randrange(101, 254)}"
    return address, [address]


def ipv6(rnd):
    address = "2a02:8108:" + ":".join("%x" % rnd.randrange(0x1000, 0xffff) for _ in range(6))
    return address, [address]


def email_upper(rnd):
    secret = core(rnd).upper()
    return f"{secret}@Corp-Mail.COM", [secret, secret.lower()]


# Recognised by their own form, wherever they stand.
BY_FORM = {
    "email": cored("{}@corp-mail.com"),
    "email_plus": cored("ann+{}@sub.corp-mail.co.uk"),
    "email_dotted": cored("{}.lee@corp-mail.io"),
    "email_upper": email_upper,
    "phone": phone,
    "phone_spaced": phone_spaced,
    "phone_nanp": phone_nanp,
    "card": card,
    "card_spaced": card_spaced,
    "iban": iban_german,
    "iban_spaced": iban_spaced,
    "ssn": ssn,
    "ipv4": ipv4,
    "ipv6": ipv6,
    "jwt": jwt,
    "bearer": simple("Bearer {}", MIXED, 32),
    "basic": basic,
    "cookie": cored("Cookie: theme=dark; sid={}"),
    "set_cookie": cored("Set-Cookie: session={}; HttpOnly"),
    "userinfo": cored("https://deploy:{}@git.example.com/x.git"),
    "postgres": cored("postgres://app:{}@db.example.com:5432/app"),
    "redis": cored("redis://:{}@cache.example.com:6379/0"),
    "private_key": pem,
    "aws_id": simple("AKIA{}", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
    "aws_secret": simple("aws_secret_access_key={}", MIXED, 40),
    "github": simple("ghp_{}", MIXED, 36),
    "github_fine": simple("github_pat_{}", MIXED, 82),
    "gitlab": simple("glpat-{}", MIXED, 20),
    "slack": simple("xoxb-2048-{}", MIXED, 24),
    "slack_hook": simple("https://hooks.slack.com/services/T024BE7LD/B02/{}", MIXED, 24),
    "stripe": simple("sk_live_{}", MIXED, 24),
    "openai": lambda rnd: (lambda a, b: (f"sk-proj-{a}T3BlbkFJ{b}", [a, b]))(pick(rnd, MIXED, 74), pick(rnd, MIXED, 74)),
    "openai_old": lambda rnd: (lambda a, b: (f"sk-{a}T3BlbkFJ{b}", [a, b]))(pick(rnd, MIXED, 20), pick(rnd, MIXED, 20)),
    "anthropic": simple("sk-ant-api03-{}AA", MIXED, 93),
    "google": simple("AIza{}", MIXED, 35),
    "gcp": service_account,
    "sendgrid": lambda rnd: (lambda a, b: (f"SG.{a}.{b}", [a, b]))(pick(rnd, MIXED, 22), pick(rnd, MIXED, 43)),
    "twilio": simple("SK{}", HEX, 32),
    "mailchimp": simple("{}-us12", HEX, 32),
    "npm": simple("npm_{}", MIXED, 36),
    "huggingface": simple("hf_{}", string.ascii_letters, 34),
    "telegram": lambda rnd: (lambda a: (f"{pick(rnd, '123456789', 9)}:{a}", [a]))(pick(rnd, MIXED, 35)),
    "azure": simple("AccountName=logs;AccountKey={}==;EndpointSuffix=core.windows.net", MIXED, 86),
    "generic_secret": simple("api_key: {}", MIXED, 32),
    "keyed_password": cored("password={}"),
}

# Recognised by the key they stand under: a query parameter, or a property's name.
QUERY_KEYS = ("token", "access_token", "id_token", "refresh_token", "auth", "session", "sid", "PHPSESSID", "api_key", "key",
              "client_secret", "password", "pwd", "otp", "reset_token", "invite", "sig", "X-Amz-Signature", "SAMLResponse",
              "ticket", "email", "phone", "ssn", "first_name")
PROPERTY_NAMES = ("password", "Password", "user_password", "token", "accessToken", "refresh-token", "Authorization", "cookie",
                  "api_key", "apiKey", "X-Api-Key", "client_secret", "otp", "$email", "email", "billing_email", "$name",
                  "$first_name", "lastName", "$phone", "phone_number", "$avatar", "ssn", "date_of_birth", "street_address",
                  "iban", "credit_card_number", "cvv", "$ip", "ip", "$user_id", "user_id", "$device_id")


def by_form(seed):
    """An endless source of (kind, value, cores)."""
    rnd = random.Random(seed)
    names = list(BY_FORM)
    while True:
        for name in names:
            value, cores = BY_FORM[name](rnd)
            yield name, value, cores
