"""Checks an audit log against its hashes and signatures. Pure comparison: it changes nothing."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from devopsclaw.core import sqlite
from devopsclaw.core.audit_rows import Row, read_rows, row_of
from devopsclaw.core.audit_seal import CHECKPOINT_PURPOSE, GENESIS, Head, Seal
from devopsclaw.core.keys import SigningKey
from devopsclaw.core.signed_file import Forged, read_signed
from devopsclaw.model.audit import Finding, Verification, entry_id
from devopsclaw.model.errors import Damaged


@dataclass
class Chain:
    """How far the chain was found whole, and what is wrong with the entry after that."""

    count: int = 0
    head: bytes = GENESIS
    finding: Finding | None = None

    def follow(self, rows: Iterable[Row], anchors: Mapping[int, bytes]) -> None:
        """Go on to the end, or to the first entry that is not as it was written or signed."""
        sha256 = hashlib.sha256
        count, previous = self.count, self.head
        try:
            for seq, body, stored in rows:
                digest = sha256(previous + body).digest()
                if seq != count + 1 or digest != stored or (seq in anchors and anchors[seq] != digest):
                    self.finding = _explained(count + 1, (seq, body, stored), digest)
                    break
                count, previous = seq, digest
        finally:
            # Also when SQLite meets a damaged page on the way: how far it went is worth knowing.
            self.count, self.head = count, previous


@dataclass
class Anchors:
    """What was signed about the chain: the hash that an entry has to have."""

    hashes: dict[int, bytes] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The chain reaches at least here."""
        return max(self.hashes, default=0)


def verify_log(connection: sqlite3.Connection, seal: Seal, key: SigningKey) -> Verification:
    """Entries first, then what was signed about them, then the bytes of the files.

    Raises sqlite3.Error where they cannot be read for a reason that is not damage.
    """
    before = seal.record
    anchors = read_anchors(seal.checkpoints, key)
    checkpoints = len(anchors.hashes)
    if before and before.head.seq:
        anchors.hashes.setdefault(before.head.seq, bytes.fromhex(before.head.hash))
    chain = read_chain(connection, anchors.hashes)
    ends = [chain.finding] if chain.finding else _check_ends(chain, anchors, seal)
    files, notes = _check_files(seal)
    return Verification(
        entries=chain.count,
        head=chain.head.hex(),
        checkpoints=checkpoints,
        findings=(*ends, *anchors.findings, *files),
        notes=notes,
    )


def verify_tail(connection: sqlite3.Connection, seal: Seal, key: SigningKey) -> Verification:
    """Only from the newest checkpoint or seal on; all before is taken as it was signed. Quick, however long
    the log is. Raises sqlite3.Error where it cannot be read for a reason that is not damage.
    """
    anchors = read_anchors(seal.checkpoints, key)
    checkpoints = len(anchors.hashes)
    if seal.record and seal.record.head.seq:
        anchors.hashes.setdefault(seal.record.head.seq, bytes.fromhex(seal.record.head.hash))
    last = anchors.last
    before = row_of(connection, last - 1)
    chain = Chain(count=max(0, last - 1), head=before[2] if before else GENESIS)
    chain.follow(read_rows(connection, "WHERE seq >= ? ORDER BY seq", last), anchors.hashes)
    ends = [chain.finding] if chain.finding else _check_ends(chain, anchors, seal)
    return Verification(
        entries=chain.count,
        head=chain.head.hex(),
        checkpoints=checkpoints,
        findings=(*ends, *anchors.findings, *seal.found),
    )


def verify_unopened(seal: Seal, damage: Damaged) -> Verification:
    """What can be said of a log that SQLite does not open: whether it is the one that was sealed."""
    findings, notes = _check_files(seal)
    cause = damage.__cause__
    if isinstance(cause, sqlite.FAILURES) and not sqlite.is_outside(cause):
        findings = (Finding(kind="unreadable", entry=entry_id(1), message=damage.message), *findings)
    return Verification(entries=0, findings=findings, notes=notes, unread=damage.message)


def read_chain(connection: sqlite3.Connection, anchors: Mapping[int, bytes]) -> Chain:
    """Follow the stored entries; what SQLite finds malformed is a finding too."""
    chain = Chain()
    try:
        chain.follow(read_rows(connection), anchors)
    except sqlite.FAILURES as failed:
        if sqlite.is_outside(failed):
            raise
        chain.finding = Finding(kind="unreadable", entry=entry_id(chain.count + 1), message=str(failed))
    return chain


def read_anchors(folder: Path, key: SigningKey) -> Anchors:
    """The signed checkpoints; one that is not genuine is a finding. Raises OSError."""
    anchors = Anchors()
    for path in sorted(folder.glob("*.json")):
        try:
            head = Head.model_validate_json(read_signed(path, CHECKPOINT_PURPOSE, key.public))
        except (Forged, ValidationError) as wrong:
            message = str(wrong) if isinstance(wrong, Forged) else f"{path.name} is of another version"
            entry = entry_id(int(path.stem)) if path.stem.isdecimal() else ""
            anchors.findings.append(Finding(kind="forged_checkpoint", entry=entry, message=message))
            continue
        anchors.hashes[head.seq] = bytes.fromhex(head.hash)
    return anchors


def _check_ends(chain: Chain, anchors: Anchors, seal: Seal) -> list[Finding]:
    """A chain that is whole as far as it goes may go not far enough, or too far."""
    after = entry_id(chain.count + 1)
    if chain.count < anchors.last:
        message = f"the log ends at {entry_id(chain.count)}, but {entry_id(anchors.last)} was signed"
        return [Finding(kind="truncated", entry=after, message=message)]
    record = seal.record
    if record and record.closed and chain.count > record.head.seq:
        entry = entry_id(record.head.seq + 1)
        message = f"the log was closed at {entry_id(record.head.seq)}, but goes on"
        return [Finding(kind="inserted", entry=entry, message=message)]
    return []


def _check_files(seal: Seal) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    record, measured = seal.measured_main()
    findings = list(seal.found)
    if record and record.main and record.main != measured:
        message = f"audit.db was changed from outside since it was sealed at {entry_id(record.head.seq)}"
        findings.append(Finding(kind="file_edited", message=message))
    is_unsealed = record is not None and not record.main
    return tuple(findings), ("unsealed since crash: rows verified by chain",) if is_unsealed else ()


def _explained(expected: int, row: Row, digest: bytes) -> Finding:
    seq, body, stored = row
    entry = entry_id(expected)
    if seq > expected:
        until = f" to {entry_id(seq - 1)}" if seq - 1 > expected else ""
        return Finding(kind="missing", entry=entry, message=f"{entry}{until} is not there")
    if seq < expected:
        return Finding(kind="inserted", entry=entry_id(seq), message=f"{entry_id(seq)} does not belong there")
    if digest == stored:
        message = f"{entry} fits the chain, but not what was signed: the chain was rewritten"
        return Finding(kind="rewritten", entry=entry, message=message)
    if _own_number(body) not in (None, seq):
        message = f"in the place of {entry} stands {entry_id(_own_number(body) or 0)}"
        return Finding(kind="reordered", entry=entry, message=message)
    return Finding(kind="edited", entry=entry, message=f"{entry} is not as it was written")


def _own_number(body: bytes) -> int | None:
    """The number that the entry itself says it has; None where it cannot be read any more."""
    try:
        number = json.loads(body)["seq"]
    except (ValueError, TypeError, LookupError):
        return None
    return number if isinstance(number, int) else None
