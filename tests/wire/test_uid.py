"""The uid of a key."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.wire.uid import uid_of


def test_the_uid_of_a_known_key_never_changes() -> None:
    # head -c32 /dev/zero | openssl dgst -sha256 -binary | base32
    assert uid_of(bytes(32)) == "n_mzuhvlpymk6xo3epygfy5h4oea"


@given(st.binary(min_size=32, max_size=32))
@settings(deadline=None, max_examples=50)
def test_every_uid_is_short_lower_case_and_needs_no_quoting(key: bytes) -> None:
    assert re.fullmatch(r"n_[a-z2-7]{26}", uid_of(key))
