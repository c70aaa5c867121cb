"""Servers of directories: what their URLs may say, and which addresses are refused."""

import pytest

from directory.rules import BadServer, Server, ServerFlaw, is_own_network, server_of


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("ldaps://dc1.example.com", Server("dc1.example.com", 636, start_tls=False)),
        (" LDAPS://DC1.Example.com.:1636/ ", Server("dc1.example.com", 1636, start_tls=False)),
        ("ldap://dc1", Server("dc1", 389, start_tls=True)),
        ("ldap://10.1.2.3:1389", Server("10.1.2.3", 1389, start_tls=True)),
        ("ldaps://[fd00::1]", Server("fd00::1", 636, start_tls=False)),
    ],
)
def test_a_url_names_a_server(url, server):
    assert server_of(url) == server


@pytest.mark.parametrize(
    ("url", "flaw"),
    [
        ("dc1.example.com", ServerFlaw.SCHEME),
        ("https://dc1.example.com", ServerFlaw.SCHEME),
        ("ldapi:///var/run/ldapi", ServerFlaw.SCHEME),
        ("ldap:dc1.example.com", ServerFlaw.SCHEME),
        ("ldaps://", ServerFlaw.HOST),
        ("ldaps://dc 1.example.com", ServerFlaw.HOST),
        ("ldaps://dc1..example.com", ServerFlaw.HOST),
        ("ldaps://도메인.example", ServerFlaw.HOST),
        ("ldaps://2130706433", ServerFlaw.HOST),
        ("ldaps://127.1", ServerFlaw.HOST),
        ("ldaps://0x7f.0.0.0x1", ServerFlaw.HOST),
        ("ldaps://dc1.example.com:0", ServerFlaw.PORT),
        ("ldaps://dc1.example.com:70000", ServerFlaw.PORT),
        ("ldaps://dc1.example.com:x", ServerFlaw.PORT),
        ("ldaps://dc1.example.com/dc=example,dc=com", ServerFlaw.MORE_THAN_A_SERVER),
        ("ldaps://dc1.example.com?uid", ServerFlaw.MORE_THAN_A_SERVER),
        ("ldaps://user:password@dc1.example.com", ServerFlaw.MORE_THAN_A_SERVER),
        ("ldap://dc1.example.com:3268", ServerFlaw.GLOBAL_CATALOG),
        ("ldaps://dc1.example.com:3269", ServerFlaw.GLOBAL_CATALOG),
    ],
)
def test_other_urls_are_refused_with_what_is_wrong(url, flaw):
    with pytest.raises(BadServer) as refused:
        server_of(url)

    assert refused.value.flaw is flaw


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "localhost",
        "LOCALHOST",
        "a.localhost",
        "localhost.localdomain",
        "metadata.google.internal",
        "ip6-loopback",
    ],
)
def test_addresses_of_this_computer_and_its_cloud_are_known(host):
    assert is_own_network(host)


@pytest.mark.parametrize(
    "host", ["10.0.0.5", "192.168.1.1", "172.16.0.9", "fd00::1", "dc1.example.com", "8.8.8.8"]
)
def test_private_networks_are_allowed(host):
    assert not is_own_network(host)
