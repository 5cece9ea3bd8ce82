"""The settings: layers and origins, and every way a person gets them wrong (CFG 1 to 9)."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import micros, plain
from dutchbook.runtime.config_file import template
from dutchbook.runtime.layers import load, reloaded
from dutchbook.runtime.leaves import leaves
from dutchbook.runtime.settings import Settings, schema


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def file(text, mode=0o600):
    path = Path("dutchbook.toml")
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def refused(text="", env=None, cli=None, profile=""):
    if text:
        file(text)
    with pytest.raises(ConfigError) as error:
        load(env=env or {}, cli=cli or {}, profile=profile)
    assert error.value.code == 4
    return str(error.value)


def test_without_anything_the_defaults_hold():
    loaded = load(env={})
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}
    fresh = loaded.settings.fresh
    assert (fresh.silent_ms, fresh.check_ms, fresh.sample_ms, fresh.sample_books) == (
        10_000,
        10_000,
        30_000,
        3,
    )
    assert fresh.crossed_ms == 500
    assert loaded.settings.arbitrage.edge_min == micros("0.02")
    assert loaded.settings.arbitrage.size_min == micros("5")
    assert loaded.settings.arbitrage.capital_max == micros("1000")
    assert loaded.settings.data_path() == "data/sim"


def test_each_layer_covers_the_one_below_and_says_so():
    file(
        'mode = "paper"\nseed = 1\n[fresh]\nsilent_ms = 1\ncheck_ms = 1\n'
        "[arbitrage]\nedge_min = 0.1\nlevels = 5\n"
        "[profiles.night]\nseed = 2\n[profiles.night.fresh]\nsilent_ms = 2\ncheck_ms = 2\n"
    )
    loaded = load(
        profile="night",
        env={"DUTCHBOOK__FRESH__SILENT_MS": "3", "DUTCHBOOK__SEED": "3", "DUTCHBOOK_DATA": ""},
        cli={"seed": "4"},
    )
    got = {path: (loaded.shown()[path], loaded.origins[path]) for path in loaded.origins}
    assert got["mode"] == ("paper", "dutchbook.toml")
    assert got["arbitrage.edge_min"] == ("0.1", "dutchbook.toml")
    assert got["fresh.check_ms"] == (2, "profile night")
    assert got["fresh.silent_ms"] == (3, "env DUTCHBOOK__FRESH__SILENT_MS")
    assert got["seed"] == (4, "command line")
    assert got["fresh.crossed_ms"] == (500, "default")
    assert loaded.file == Path("dutchbook.toml")


@given(st.integers(0, 1_000_000))
def test_money_is_exact_however_it_is_written(value):
    for text in (f'"{plain(value)}"', plain(value)):
        file(f"[arbitrage]\nedge_min = {text}\n")
        assert load(env={}).settings.arbitrage.edge_min == value
    by_env = load(env={"DUTCHBOOK__ARBITRAGE__EDGE_MIN": plain(value)})
    assert by_env.settings.arbitrage.edge_min == value


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("[arbitrage]\nedge_mni = 0.02", "arbitrage.edge_min"),
        ("edge_min = 0.02", "arbitrage.edge_min"),
        ("[fresh]\nsilent_mss = 1", "fresh.silent_ms"),
        ("[frehs]\nsilent_ms = 1", "fresh.silent_ms"),
        ("[profiles.x.inbox]\nevent_max = 1", "inbox.events_max"),
    ],
)
def test_cfg1_an_unknown_key_names_the_nearest_known_one(text, near):
    said = refused(text)
    assert "unknown setting" in said and f"did you mean {near}?" in said


def test_cfg1_also_from_environment_and_command_line():
    assert "did you mean fresh.silent_ms?" in refused(env={"DUTCHBOOK__FRESH__SILENTMS": "1"})
    assert "did you mean fresh.silent_ms?" in refused(cli={"fresh.silent": "1"})


@pytest.mark.parametrize(
    "text",
    [
        'seed = "7"', "seed = 7.0", "seed = true", "seed = []", "seed = 1979-05-27",
        "mode = 1", "mode = true", "data_dir = 1.5", "data_dir = 5", "fresh = 5",
        "[arbitrage]\nedge_min = true", "[arbitrage]\nedge_min = []",
        '[arbitrage]\nedge_min = "2 %"', "[arbitrage]\nedge_min = 1e-2",
        "[arbitrage]\nedge_min = 0.1234567", '[arbitrage]\nedge_min = "１"',
        "[venues.kalshi]\nkey_pem = 5", "profiles = 5", "[[arbitrage]]\nlevels = 1",
    ],
)  # fmt: skip
def test_cfg2_a_wrong_type_names_the_setting(text):
    said = refused(text)
    assert "dutchbook.toml" in said


def test_cfg3_a_limit_that_live_needs_must_be_set():
    assert "arbitrage.capital_max is not set" in refused('mode = "live"')
    file('mode = "live"\n[arbitrage]\ncapital_max = 50')
    assert load(env={}).settings.arbitrage.capital_max == micros("50")


@pytest.mark.parametrize("text", ["", '""'])
def test_cfg3_a_limit_without_a_value(text):
    refused(f"[arbitrage]\ncapital_max = {text}")


@pytest.mark.parametrize("value", ["inf", "+inf", "-inf", "nan", '"inf"', "-1", '"-1"', "1e400"])
@pytest.mark.parametrize("path", ["arbitrage.capital_max", "fresh.silent_ms", "inbox.events_max"])
def test_cfg4_no_limit_is_infinite_or_negative(path, value):
    section, name = path.split(".")
    assert path in refused(f"[{section}]\n{name} = {value}")
    assert path in refused(env={f"DUTCHBOOK__{section.upper()}__{name.upper()}": value})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("arbitrage.edge_min", "1.000001"), ("arbitrage.levels", "0"), ("inbox.events_max", "99"),
        ("fresh.crossed_ms", "86400001"), ("seed", "9223372036854775808"),
        ("fresh.sample_books", "101"),
        ("seed", "1" * 30), ("seed", "1_000"), ("seed", " 1"), ("seed", "0x10"),
    ],
)  # fmt: skip
def test_cfg4_limits_have_limits(path, value):
    assert f"command line: {path}" in refused(cli={path: value})


def test_cfg5_a_real_key_has_no_business_with_pretend_exchanges():
    said = refused('[venues.kalshi]\nkey_id = "a"\nkey_file = "k.pem"')
    assert "a real key is set in mode sim" in said and 'mode = "paper"' in said


def test_cfg6_a_file_with_a_secret_is_read_only_if_it_is_ours_alone():
    text = 'mode = "paper"\n[venues.kalshi]\nkey_id = "a"\nkey_pem = "hunter2"\n'
    file(text, 0o644)
    with pytest.raises(ConfigError, match=r"can be read by others.*0644.*chmod 600"):
        load(env={})
    file(text, 0o600)
    loaded = load(env={})
    assert loaded.settings.venues.kalshi.key_pem == Secret("hunter2")
    assert "hunter2" not in repr(loaded) + str(loaded.shown()) + repr(loaded.settings)
    assert loaded.shown()["venues.kalshi.key_pem"] == "***"


def test_cfg6_a_file_without_a_secret_may_be_read_by_all():
    file("seed = 3", 0o644)
    assert load(env={}).settings.seed == 3


def test_cfg7_line_ends_of_another_system():
    file('mode = "paper"\r\n# a comment\r\n[fresh]\r\nsilent_ms = 5\r\n')
    settings = load(env={}).settings
    assert (settings.mode, settings.fresh.silent_ms) == ("paper", 5)


@pytest.mark.parametrize("value", ["NO", "no", "off", '"NO"', '"no"', "0", '"false"'])
def test_cfg8_no_is_no_boolean(value):
    refused(f"[venues.kalshi]\nenabled = {value}")


@pytest.mark.parametrize("value", ["NO", "no", "0", "False", "off"])
def test_cfg8_nor_in_the_environment(value):
    said = refused(env={"DUTCHBOOK__VENUES__KALSHI__ENABLED": value})
    assert "must be true or false" in said


@pytest.mark.parametrize(
    "name", ["SEED", "ARBITRAGE__EDGE_MIN", "DATA_DIR", "VENUES__KALSHI__KEY_PEM"]
)
def test_cfg9_an_empty_variable_is_no_value(name):
    assert f"DUTCHBOOK__{name} is set but empty" in refused(env={f"DUTCHBOOK__{name}": ""})


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"\xef\xbb\xbfseed = 1", b"seed = 1\nseed = 2", b"a =", b"\0"]
)
def test_what_is_no_toml_is_named_with_its_place(text):
    assert "dutchbook.toml is not TOML" in refused(text)


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="can't be read"):
        load(tmp_path / "other.toml", env={})


def test_an_unknown_profile_names_those_that_exist():
    assert "there is: night" in refused("[profiles.night]\nseed = 1", profile="nihgt")


@pytest.mark.parametrize(
    "url",
    ["http://example.org", "ftp://a", "https://", "https://u:p@a", "x", "https://[", "wss://a",
     "https://a:99999"],
)  # fmt: skip
def test_an_address_is_encrypted_and_whole(url):
    assert "venues.polymarket.clob" in refused(cli={"venues.polymarket.clob": url})


def test_this_machine_is_reached_in_the_clear():
    cli = {
        "venues.polymarket.clob": "http://127.0.0.1:80",
        "venues.kalshi.ws": "ws://localhost:1/x",
    }
    assert load(env={}, cli=cli).settings.venues.kalshi.ws_url() == "ws://localhost:1/x"


def test_settings_that_do_not_go_together():
    assert "conflate_over must be below" in refused(cli={"inbox.conflate_over": "50000"})
    both = {"venues.kalshi.key_file": "a", "venues.kalshi.key_pem": "b", "mode": "paper"}
    assert "both set" in refused(cli=both)


def test_the_tree_is_frozen_and_refuses_unknown_fields():
    with pytest.raises(AttributeError):
        Settings().seed = 1
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"fresh": {"x": 1}}, Settings)


def test_every_setting_says_what_it_is():
    assert all(leaf.help for leaf in leaves().values())


def test_the_template_with_everything_commented_in_is_the_defaults():
    """So that what the new file shows as a default is one."""
    lines = template().splitlines()
    text = "\n".join(
        line.removeprefix("# ") if " = " in line and " = …" not in line else line for line in lines
    )
    file(text.replace("# dutchbook.toml", "#"))
    loaded = load(env={})
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"dutchbook.toml", "default"}
    assert [path for path, o in loaded.origins.items() if o == "default"] == [
        "venues.kalshi.key_pem",
        "venues.polymarket.key_hex",
        *(path for path, leaf in leaves().items() if leaf.kind == "secret" and "alerts" in path),
    ]


def test_the_schema_knows_every_setting():
    made = schema()
    json.dumps(made)

    def paths(name, prefix=""):
        for key, field in made["$defs"][name]["properties"].items():
            if "$ref" in field:
                yield from paths(field["$ref"].rpartition("/")[2], f"{prefix}{key}.")
            else:
                yield prefix + key

    assert set(paths("Settings")) - {"profiles"} == set(leaves())
    assert made["$defs"]["Arbitrage"]["properties"]["edge_min"]["default"] == "0.02"
    assert made["$defs"]["Arbitrage"]["additionalProperties"] is False


@pytest.mark.parametrize("left", ["", "# nothing yet\n", "seed = 3\n", "[strategies\nena", None])
def test_while_a_run_goes_on_a_file_that_lost_its_strategies_changes_nothing(tmp_path, left):
    """Empty, half written, or gone: the defaults would switch off what is on."""
    file = tmp_path / "s.toml"
    file.write_text('seed = 3\n[strategies]\nenabled = "maker"\n', encoding="utf-8")
    before = load(file)
    assert reloaded(file, before).settings == reloaded(None, before).settings == before.settings
    if left is None:
        file.unlink()
    else:
        file.write_text(left, encoding="utf-8")
    with pytest.raises(ConfigError):
        reloaded(file, before)
    file.write_text('[strategies]\nenabled = ""\n', encoding="utf-8")
    assert reloaded(file, before).settings.strategies.enabled == "", "who means it may say so"
