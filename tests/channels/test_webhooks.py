"""No body, however it is made, gets past the edge as anything but a JSON object of sane depth."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from channels import webhooks

TREES = st.recursive(
    st.none() | st.integers(-9, 9) | st.text('{}[]"\\x', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("[{", max_size=2), inner),
    max_leaves=30,
)


def depth_of(tree) -> int:
    if isinstance(tree, dict):
        tree = list(tree.values())
    return 1 + max(map(depth_of, tree), default=0) if isinstance(tree, list) else 0


def outcome(body: bytes):
    """What the edge makes of a body: the object in it, or why not."""
    try:
        return webhooks.parse_json(body)
    except webhooks.Rejected as no:
        return no.reason


@given(tree=TREES, levels=st.integers(50, 70))
def test_depth_is_that_of_the_parsed_value(tree, levels):
    for _ in range(levels):
        tree = {"a": [tree]} if levels % 2 else {"a": tree}

    too_deep = depth_of(tree) > webhooks.DEPTH_MAX
    assert outcome(json.dumps(tree).encode()) == ("too_deep" if too_deep else tree)


@given(body=st.binary() | st.text('{}[]",:\\ a1').map(str.encode))
def test_any_bytes_are_an_object_or_rejected(body):
    found = outcome(body)

    assert isinstance(found, dict) or webhooks.STATUS_OF[found] == 400
