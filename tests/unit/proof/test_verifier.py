"""Whatever is altered in a certificate, the verifier refuses it, its checksum recomputed or not."""

import copy
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook import verifier
from dutchbook.domain.units import ONE
from dutchbook.optimize.prove import certificate_decode, certificate_json, digest
from unit.proof.market import A, kinds

DOCUMENTS = kinds()

WITHOUT_TAPE = {
    # What a forger may change who recomputes every digest too: only the tape can refuse these.
    # Times, places in the record, and words.
    "at seq run legs.book_version legs.book_seq links.link.id links.link.version",
    "links.link.evidence links.link.source links.link.confidence fill_chance",
    "group.key group.venue group.title group.why legs.settles",
    # Terms of the venue that this trade did not touch.
    "legs.fees.maker legs.fees.taker legs.fees.exponent legs.fees.precision legs.fees.kind",
    "legs.lot legs.size_min legs.cost_min legs.grid.start legs.grid.end legs.grid.step",
}
REMAINS = {name for line in WITHOUT_TAPE for name in line.split()}


def leaves(value, path=()):
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, (*path, place))
    else:
        yield path


def put(document, path, change):
    altered = copy.deepcopy(document)
    at = altered
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = change(at[path[-1]])
    return altered


def resealed(document, deep=False):
    """With the checksum recomputed; `deep`: the digests of the inputs and the links too."""
    if deep:
        for proof in document["links"]:
            proof["fingerprint"] = digest(proof["link"])
        names = re.findall(r"\w+", verifier.INPUTS)
        document["inputs"] = digest({name: document[name] for name in names})
    rest = {name: value for name, value in document.items() if name != "checksum"}
    return rest | {"checksum": digest(rest)}


def changes(value):
    """Other values of the same type, and the same value of another type."""
    if isinstance(value, bool):
        return [not value, int(value), None]
    if isinstance(value, int):
        return [value + 1, value - 1, value * 2 + 3, -value - 1, float(value), str(value), None]
    if value is None:
        return [0, "", {}]
    other = {"yes": "no", "no": "yes"}.get(value, value + "x")
    return [other, value[:-1] + "€" if value else "y", 0, None]


def test_real_certificates_are_proved():
    for name, document in DOCUMENTS.items():
        assert verifier.verify(document) == [], name
        assert verifier.verify(json.loads(json.dumps(document))) == [], name
        assert certificate_json(certificate_decode(document)) == document, name


def test_every_altered_leaf_is_refused_though_the_checksum_was_recomputed():
    count = 0
    for name, document in DOCUMENTS.items():
        for path in leaves(document):
            if path == ("checksum",):
                continue
            old = document
            for step in path:
                old = old[step]
            for new in changes(old):
                altered = resealed(put(document, path, lambda _, new=new: new))
                assert verifier.verify(altered), (name, path, old, new)
                count += 1
    assert count > 5_000


def test_what_a_forger_of_every_digest_can_still_change_is_listed():
    """No price, size, fee, payoff, state, member or kind is among it."""
    passed = set()
    for document in DOCUMENTS.values():
        for path in leaves(document):
            old = document
            for step in path:
                old = old[step]
            for new in changes(old):
                altered = resealed(put(document, path, lambda _, new=new: new), deep=True)
                if path[0] not in ("checksum", "inputs") and not verifier.verify(altered):
                    passed.add(".".join(step for step in path if isinstance(step, str)))
    passed.discard("links.fingerprint")  # resealing has put it right again
    assert passed <= REMAINS, passed - REMAINS


@given(st.data())
def test_any_other_value_of_any_leaf_is_refused(data):
    document = DOCUMENTS[data.draw(st.sampled_from(sorted(DOCUMENTS)))]
    path = data.draw(st.sampled_from([p for p in leaves(document) if p != ("checksum",)]))
    new = data.draw(st.integers() | st.text() | st.floats(allow_nan=False) | st.booleans())
    altered = put(document, path, lambda _: new)
    if json.dumps(altered, sort_keys=True) != json.dumps(document, sort_keys=True):
        assert verifier.verify(resealed(altered))


LISTS = ("legs", "states", "residual", "links")


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_parts_dropped_doubled_or_swapped_are_refused_with_every_digest_recomputed(name):
    document = DOCUMENTS[name]
    paths = [(part,) for part in LISTS] + [("legs", i, "fills") for i in range(2)]
    paths += [("group", "members")] if document["group"] else []
    for path in paths:
        for edit in (lambda x: x[1:], lambda x: x[:-1], lambda x: x + x[-1:], lambda x: x[::-1]):
            altered = put(document, path, edit)
            if altered == document:
                continue
            if path == ("legs",):
                same_basket = sorted(map(str, altered["legs"])) == sorted(
                    map(str, document["legs"])
                )
                assert verifier.verify(resealed(altered, deep=not same_basket)), (path,)
            assert verifier.verify(resealed(altered)), path
            if path != ("legs",):
                assert verifier.verify(resealed(altered, deep=True)), path
    flipped = copy.deepcopy(document)
    for leg in flipped["legs"]:
        leg["outcome"] = "no" if leg["outcome"] == "yes" else "yes"
    assert verifier.verify(resealed(flipped, deep=True))


@given(st.recursive(st.none() | st.integers() | st.text() | st.booleans(), lambda x: st.lists(x)))
def test_anything_at_all_gives_problems_not_an_exception(junk):
    assert verifier.verify(junk)
    assert verifier.verify(dict.fromkeys(DOCUMENTS[next(iter(DOCUMENTS))], junk))


def test_the_verifier_stands_alone():
    text = Path(verifier.__file__).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    assert "dutchbook" not in text


NAMED = {
    "fee schedule is wrong": (("legs", 0, "fees", "kind"), lambda kind: "polymarket"),
    "grid is wrong": (("legs", 0, "grid"), lambda _: [{"start": 0, "end": ONE, "step": 7_000}]),
    "size is wrong": (
        ("legs", 0, "fills"),
        lambda x: [*x, {"px": 990_000, "qty": 0, "cost": 0, "fee": 0}],
    ),
    "token is wrong": (("legs", 0, "token"), lambda _: 1),
    "do not make a basket": (("legs", 1), lambda leg: leg | {"instrument": A}),
}


@pytest.mark.parametrize("said", NAMED)
def test_the_rule_that_is_broken_is_named_with_every_digest_recomputed(said):
    document = DOCUMENTS["same ('yes', 'no')"]
    path, change = NAMED[said]
    problems = verifier.verify(resealed(put(document, path, change), deep=True))
    assert any(said in problem for problem in problems), problems


def test_legs_that_repeat_are_no_basket():
    """A bundle of one outcome twice, in legs, members and links alike."""
    document = copy.deepcopy(DOCUMENTS["bundle yes ()"])
    document["legs"][1] = copy.deepcopy(document["legs"][0])
    document["group"]["members"][1] = document["group"]["members"][0]
    problems = verifier.verify(resealed(document, deep=True))
    assert any("do not make a basket" in problem for problem in problems)
