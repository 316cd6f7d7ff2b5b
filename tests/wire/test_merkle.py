"""The tree over what nodes are to run: each leaf has a path to the root, and nothing else has one."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.wire.merkle import BadPath, Path, Tree, leaf_of, root_of

SIZES = st.integers(1, 5000)


def leaves(count: int) -> list[bytes]:
    """So many leaves, all different."""
    return [leaf_of(f"n_{number}", hashlib.sha256(b"%d" % number).digest()) for number in range(count)]


LARGEST = leaves(5000)


def test_a_leaf_and_an_inner_hash_are_what_the_page_says() -> None:
    left, right = leaves(2)

    assert left == hashlib.sha256(b"\0n_0" + hashlib.sha256(b"0").digest()).digest()
    assert Tree([left, right]).root == hashlib.sha256(b"\1" + left + right).digest()


@given(SIZES, st.data())
@settings(deadline=None, max_examples=60)
def test_every_leaf_has_a_path_to_the_root(count: int, data: st.DataObject) -> None:
    tree = Tree(LARGEST[:count])
    index = data.draw(st.integers(0, count - 1))

    assert root_of(LARGEST[index], tree.path(index)) == tree.root


@pytest.mark.parametrize("count", range(1, 34))
def test_small_trees_leaf_by_leaf_and_no_path_fits_another_leaf(count: int) -> None:
    tree = Tree(LARGEST[:count])

    for index in range(count):
        fits = [other for other in range(count) if root_of(LARGEST[other], tree.path(index)) == tree.root]
        assert fits == [index]


def test_a_path_at_five_thousand_nodes_has_at_most_416_bytes() -> None:
    tree = Tree(LARGEST)

    assert max(len(tree.path(index).hashes) for index in (0, 1, 2500, 4095, 4096, 4998, 4999)) == 416


@given(SIZES, SIZES)
@settings(deadline=None, max_examples=40)
def test_no_two_lists_of_leaves_share_a_root(one: int, other: int) -> None:
    assert (Tree(LARGEST[:one]).root == Tree(LARGEST[:other]).root) == (one == other)


def test_a_last_leaf_that_is_repeated_is_another_tree() -> None:
    odd = leaves(3)

    assert Tree(odd).root != Tree([*odd, odd[-1]]).root


def test_an_inner_hash_does_not_pass_for_a_leaf() -> None:
    four = leaves(4)
    tree = Tree(four)
    inner = Tree(four[:2]).root
    above = Path(0, tree.path(0).hashes[32:])

    assert root_of(inner, above) == tree.root  # so nothing but the first byte tells them apart
    assert leaf_of("n_0", inner) != inner


@given(st.integers(2, 5000), st.data())
@settings(deadline=None, max_examples=100)
def test_no_changed_bit_of_leaf_or_path_leads_to_the_root(count: int, data: st.DataObject) -> None:
    tree = Tree(LARGEST[:count])
    index = data.draw(st.integers(0, count - 1))
    path = tree.path(index)
    bit = data.draw(st.integers(0, 8 * (32 + len(path.hashes)) + path.steps - 1))

    leaf, changed = flipped(LARGEST[index], path, bit)

    assert root_of(leaf, changed) != tree.root


def flipped(leaf: bytes, path: Path, bit: int) -> tuple[bytes, Path]:
    """The two with one bit changed: of the leaf, else of the hashes, else of the sides."""
    raw = bytearray(leaf + path.hashes)
    if bit >= 8 * len(raw):
        return leaf, Path(path.sides ^ 1 << bit - 8 * len(raw), path.hashes)
    raw[bit // 8] ^= 1 << bit % 8
    return bytes(raw[:32]), Path(path.sides, bytes(raw[32:]))


@pytest.mark.parametrize(
    "path", [Path(1, b""), Path(4, bytes(64)), Path(0, bytes(33)), Path(0, bytes(32 * 25))]
)
def test_what_is_no_path_is_refused(path: Path) -> None:
    with pytest.raises(BadPath):
        root_of(LARGEST[0], path)


def test_a_tree_has_a_leaf() -> None:
    with pytest.raises(ValueError, match="needs a leaf"):
        Tree([])
