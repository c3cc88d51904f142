import pytest

from tui_tuner.teachers.ollama_address import Address, address_for, default_address, parse_host


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("   ", "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":1234", "http://127.0.0.1:1234"),
        ("1.2.3.4:1234", "http://1.2.3.4:1234"),
        ("example.com", "http://example.com:11434"),
        ("example.com:1234", "http://example.com:1234"),
        ("example.com:", "http://example.com:11434"),
        (":66000", "http://127.0.0.1:11434"),
        (":-1", "http://127.0.0.1:11434"),
        ("example.com:port", "http://example.com:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("[::1]:1337", "http://[::1]:1337"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]", "http://[::1]:11434"),
        ("[::]:1234", "http://[::1]:1234"),
        (" 1.2.3.4 ", "http://1.2.3.4:11434"),
        ('"1.2.3.4"', "http://1.2.3.4:11434"),
        (' " 1.2.3.4 " ', "http://1.2.3.4:11434"),
        ("'1.2.3.4'", "http://1.2.3.4:11434"),
        ("http://1.2.3.4", "http://1.2.3.4:80"),
        ("http://1.2.3.4:4321/", "http://1.2.3.4:4321"),
        ("https://1.2.3.4", "https://1.2.3.4:443"),
        ("https://1.2.3.4:4321", "https://1.2.3.4:4321"),
        ("https://1.2.3.4:99999", "https://1.2.3.4:443"),
        ("http://0.0.0.0", "http://127.0.0.1:80"),
        ("https://example.com/ollama/", "https://example.com:443/ollama"),
        ("ollama.com", "https://ollama.com:443"),
    ],
)
def test_a_host_is_read_as_ollama_reads_it(text, url):
    assert parse_host(text).url == url


@pytest.mark.parametrize(
    ("text", "loopback"),
    [("", True), ("localhost", True), ("127.0.0.2", True), ("[::1]:9", True), ("0.0.0.0", True), ("10.0.0.1", False)],
)
def test_this_machine_is_known_by_all_its_names(text, loopback):
    assert parse_host(text).loopback is loopback


@pytest.mark.parametrize(
    ("text", "nearby"),
    [
        ("", True),
        ("10.0.0.1", True),
        ("192.168.1.7:1234", True),
        ("[fd00::7]:1234", True),
        ("169.254.3.4", True),
        ("studio", True),
        ("Studio.local", True),
        ("studio.lan.", True),
        ("8.8.8.8", False),
        ("[2001:4860:4860::8888]", False),
        ("example.com", False),
        ("local.example.com", False),
        ("studio.local.example.com", False),
    ],
)
def test_a_server_of_the_same_network_is_told_from_one_outside(text, nearby):
    assert parse_host(text).nearby is nearby


def test_the_environment_says_where_unless_the_project_does(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "10.0.0.1:99")
    assert default_address() == Address(host="10.0.0.1", port=99)
    assert address_for("  ") == default_address()
    assert address_for("studio:1") == Address(host="studio", port=1)


def test_an_address_reads_like_one():
    assert str(parse_host("")) == "localhost:11434"
    assert str(parse_host("[::1]:80")) == "[::1]:80"
