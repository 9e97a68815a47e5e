#!/usr/bin/env python3
"""Checks a socai proof without socai: from a record's bytes to a root that the log signed.

    verify_proof.py FILE --key KEY [--record FILE] [--receipt FILE] [--witness KEY]... [--quorum N]

KEY is a verifier key (NAME+ID+KEY), or a file that holds one. docs/PROOFS.md describes every format read here. Only the
standard library is used, and `cryptography` for Ed25519 (Debian: python3-cryptography). BLAKE3 is written out below.
Exit code 0: proved; 1: not proved, and the first thing that fails is named.
"""

import argparse
import base64
import binascii
import datetime
import hashlib
import os
import re
import struct
import sys
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

RECORD_CONTEXT = "socai 2026-11 record v1"
STREAM_KINDS = {1: "organ", 2: "person", 3: "register", 4: "incoming"}
HEADER_LEN, MAX_RECORD_LEN = 100, 65535
EARLIEST, LATEST = -2_208_988_800_000_000, 32_503_680_000_000_000 - 1  # years 1900 to 2999
MAX_NOTE_LEN, MAX_SIGNATURES = 256 * 1024, 64
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Fault(Exception):
    """The first thing that fails."""


def need(good, what):
    if not good:
        raise Fault(what)


# BLAKE3 in derive-key mode (https://github.com/BLAKE3-team/BLAKE3-specs), short rather than fast.

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT, CONTEXT, MATERIAL = 1, 2, 4, 8, 32, 64
MIX = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
MASK = 0xFFFFFFFF


def compress(chaining, block, counter, length, flags):
    """The first eight words of the compression function's output."""
    v = [*chaining, *IV[:4], counter & MASK, counter >> 32, length, flags]
    m = struct.unpack("<16I", block.ljust(64, b"\0"))
    for _ in range(7):
        for at, (a, b, c, d) in enumerate(MIX):
            for message, first, second in ((m[2 * at], 16, 12), (m[2 * at + 1], 8, 7)):
                v[a] = (v[a] + v[b] + message) & MASK
                v[d] ^= v[a]
                v[d] = (v[d] >> first | v[d] << (32 - first)) & MASK
                v[c] = (v[c] + v[d]) & MASK
                v[b] ^= v[c]
                v[b] = (v[b] >> second | v[b] << (32 - second)) & MASK
        m = [m[at] for at in ORDER]
    return [v[at] ^ v[at + 8] for at in range(8)]


def words_to_bytes(words):
    return struct.pack("<8I", *words)


def blake3(key, data, flags):
    """32 bytes of BLAKE3's output under these key words."""

    def chunk(at, data, root):
        chaining, blocks = key, [data[i : i + 64] for i in range(0, len(data), 64)] or [b""]
        for i, block in enumerate(blocks):
            last = i == len(blocks) - 1
            flag = flags | (CHUNK_START if i == 0 else 0) | ((CHUNK_END | root) if last else 0)
            chaining = compress(chaining, block, at, len(block), flag)
        return chaining

    def tree(chunks, first, root):
        if len(chunks) == 1:
            return chunk(first, chunks[0], root)
        left = 1 << ((len(chunks) - 1).bit_length() - 1)
        children = tree(chunks[:left], first, 0) + tree(chunks[left:], first + left, 0)
        return compress(key, struct.pack("<16I", *children), 0, 64, flags | PARENT | root)

    return words_to_bytes(tree([data[i : i + 1024] for i in range(0, len(data), 1024)] or [b""], 0, ROOT))


def derive_key(context, data):
    key = struct.unpack("<8I", blake3(list(IV), context.encode(), CONTEXT))
    return blake3(list(key), data, MATERIAL)


def record_hash(record):
    """The hash of a record, over all its bytes."""
    return derive_key(RECORD_CONTEXT, record)


def record_id(digest):
    """A UUID of version 8 made of the hash's first 16 bytes."""
    raw = bytearray(digest[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


# The tree (RFC 6962): SHA-256, leaves and nodes told apart by their first byte.


def leaf_hash(digest):
    return hashlib.sha256(b"\0" + digest).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaf, index, size, path):
    """The root to which the way from leaf `index` leads in a tree of `size` leaves."""
    need(index < size, f"leaf {index} lies beyond the tree, which has {size} leaves")
    inner = (index ^ (size - 1)).bit_length()
    wanted = inner + bin(index >> inner).count("1")
    need(len(path) == wanted, f"the way to the root takes {wanted} hashes, not {len(path)}")
    for level, beside in enumerate(path):
        left = level < inner and index >> level & 1 == 0
        leaf = node_hash(leaf, beside) if left else node_hash(beside, leaf)
    return leaf


# Texts: one spelling each, so that nothing can be changed unseen.


def unbase64(text, length=None):
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    same = base64.b64encode(raw).decode() == text
    return raw if same and (length is None or len(raw) == length) else None


def decimal(text):
    number = int(text) if re.fullmatch("0|[1-9][0-9]{0,19}", text) else None
    return number if number is not None and number < 1 << 64 else None


class Key:
    """A verifier key: NAME+ID+base64 of one byte of kind (1: log, 4: witness) and an Ed25519 public key."""

    def __init__(self, text):
        parts = text.split("+", 2)
        need(len(parts) == 3 and re.fullmatch("[0-9a-fA-F]{8}", parts[1]), "not a verifier key: NAME+ID+KEY")
        self.name, raw = parts[0], unbase64(parts[2])
        need(good_name(self.name), "not a verifier key: its name is empty or has spaces")
        need(raw and len(raw) == 33 and raw[0] in (1, 4), "not a verifier key of Ed25519, kind 1 or 4")
        self.kind, self.public = raw[0], Ed25519PublicKey.from_public_bytes(raw[1:])
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        need(self.id.hex() == parts[1].lower(), "the key's id does not follow from name and key: it is mistyped")

    def signed(self, message, signature):
        try:
            self.public.verify(signature, message)
            return True
        except InvalidSignature:
            return False


def good_name(name):
    return name != "" and "+" not in name and not any(c.isspace() or c < " " for c in name)


class Note:
    """A signed note: a text, an empty line, lines of signature (C2SP signed-note)."""

    def __init__(self, raw):
        need(len(raw) <= MAX_NOTE_LEN, "the note is too long")
        try:
            whole = raw.decode()
        except UnicodeDecodeError:
            raise Fault("the note is not UTF-8") from None
        need(all(c >= " " or c == "\n" for c in whole), "the note has control characters")
        end = whole.rfind("\n\n")
        need(end >= 0 and whole.endswith("\n"), "the note has no empty line with signatures below it")
        self.text, self.lines = whole[: end + 1], []
        lines = whole[end + 2 :].split("\n")[:-1]
        need(0 < len(lines) <= MAX_SIGNATURES, "the note has no signatures, or too many")
        for line in lines:
            parts = line.split(" ")
            need(len(parts) == 3 and parts[0] == "\u2014" and good_name(parts[1]), "a line of signature is malformed")
            raw = unbase64(parts[2])
            need(raw is not None and len(raw) > 4, "a line of signature is malformed")
            self.lines.append((parts[1], raw[:4], raw[4:]))

    def by(self, key):
        """The signatures that are said to be by this key; others are ignored."""
        return [signature for name, id, signature in self.lines if (name, id) == (key.name, key.id)]

    def check_log(self, key):
        need(key.kind == 1, f"{key.name} is not the key of a log")
        signatures = self.by(key)
        need(signatures, f"it bears no signature by {key.name} (key {key.id.hex()})")
        good = all(len(one) == 64 and key.signed(self.text.encode(), one) for one in signatures)
        need(good, f"the signature by {key.name} is false")

    def cosigned(self, key):
        """When the witness saw it, in seconds since 1970; None if it does not say so (C2SP tlog-cosignature)."""
        need(key.kind == 4, f"{key.name} is not the key of a witness")
        latest = None
        for one in self.by(key):
            at = int.from_bytes(one[:8], "big")
            message = f"cosignature/v1\ntime {at}\n{self.text}".encode()
            good = len(one) == 72 and at < 1 << 63 and key.signed(message, one[8:])
            need(good, f"the cosignature by {key.name} is false")
            latest = max(at, latest or 0)
        return latest


def checkpoint(text, key):
    """Size and root of the log's tree (C2SP tlog-checkpoint)."""
    lines = text.split("\n")
    need(len(lines) >= 4 and lines[-1] == "" and "" not in lines[:-1], "not a checkpoint")
    need(lines[0] == key.name, f"the checkpoint is of the log {lines[0]}, but the key is that of {key.name}")
    size, root = decimal(lines[1]), unbase64(lines[2], 32)
    need(size is not None and root is not None, "the checkpoint's size or root is malformed")
    need(size > 0 or root == EMPTY_ROOT, "a log without records has the root of nothing")
    return size, root


def parse_proof(raw):
    """Extra data, index, path and signed checkpoint (c2sp.org/tlog-proof@v1)."""
    first = b"c2sp.org/tlog-proof@v1\n"
    need(raw.startswith(first), "not a proof: its first line is another")
    head, empty, note = raw[len(first) :].partition(b"\n\n")
    need(empty, "the proof has no empty line with the checkpoint below it")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Fault("the proof's index or hashes are malformed") from None
    extra = None
    if lines[0].startswith("extra "):
        extra = unbase64(lines.pop(0)[6:])
        need(extra, "the line `extra` is malformed")
    need(lines and lines[0].startswith("index "), "the line `index` is missing")
    index, path = decimal(lines[0][6:]), [unbase64(line, 32) for line in lines[1:]]
    need(index is not None and None not in path and len(path) <= 64, "the proof's index or hashes are malformed")
    return extra, index, path, Note(note)


RECEIPT_LINES = (
    "socai receipt v1\nlog ([^ \n]+)\nrecord ([0-9a-f-]{36})\nstream ([a-z]+-[0-9a-f-]{36})\nrevision ([0-9]+)\n"
    "hash ([0-9a-f]{64})\nrecorded ([^ \n]+)\nwithin ([0-9]+)\n"
)


def receipt(note, key):
    """What the log promised, signed."""
    note.check_log(key)
    lines = re.fullmatch(RECEIPT_LINES, note.text)
    need(lines, "not a receipt: a line is missing or malformed")
    origin, id, stream, revision, digest, recorded, within = lines.groups()
    need(origin == key.name, f"the receipt is of the log {origin}, but the key is that of {key.name}")
    need(record_id(bytes.fromhex(digest)) == id, "the receipt's record id does not follow from its hash")
    need(decimal(revision) is not None and decimal(within) is not None, "a number of the receipt is malformed")
    return {"stream": stream, "revision": int(revision), "hash": bytes.fromhex(digest), "recorded": recorded, "within": int(within)}


def header(record):
    """Stream, revision and recorded time in the clear part of a record."""
    need(HEADER_LEN <= len(record) <= MAX_RECORD_LEN, "not a record: too short or too long")
    version, kind, _, revision, micros = struct.unpack_from("<BBHQq", record)
    need(version == 1 and kind in STREAM_KINDS, "not a record of a known version")
    at = datetime.datetime(1970, 1, 1, 7) + datetime.timedelta(microseconds=min(max(micros, EARLIEST), LATEST))
    recorded = at.isoformat(timespec="microseconds") + "+07:00"
    return {"stream": f"{STREAM_KINDS[kind]}-{uuid.UUID(bytes=bytes(record[20:36]))}", "revision": revision, "recorded": recorded}


def verify(proof, key, record=None, promised=None, witnesses=(), quorum=None):
    """What is proved, as lines for people; a Fault says what is not. `proof`, `record` and `promised` are bytes."""
    extra, index, path, note = parse_proof(proof)
    note.check_log(key)
    size, root = checkpoint(note.text, key)
    seen = {witness.name: note.cosigned(witness) for witness in witnesses}
    need(len(seen) == len(witnesses), "a witness is given twice")
    count, wanted = sum(at is not None for at in seen.values()), len(witnesses) if quorum is None else quorum
    need(count >= wanted, f"{count} of the given witnesses cosigned, {wanted} are asked for")
    promise = receipt(Note(promised), key) if promised is not None else None
    said = header(record) if record is not None else None
    if record is not None:
        digest = record_hash(record)
    elif promise:
        digest = promise["hash"]
    else:
        digest = extra
        need(extra and len(extra) == 32, "the proof does not say which record it proves: give the record or the receipt")
    leads_to = root_of(leaf_hash(digest), index, size, path)
    need(leads_to == root, f"record {record_id(digest)} does not lead to the signed root")
    need(extra is None or len(extra) != 32 or extra == digest, "the proof names another record than it proves")
    if promise and said:
        same_place = (promise["stream"], promise["revision"]) == (said["stream"], said["revision"])
        if promise["hash"] == digest:
            need(same_place and promise["recorded"] == said["recorded"], "false receipt: the record says otherwise")
        need(promise["hash"] == digest or not same_place, "promise not kept: the log holds another record in the promised place")
        need(promise["hash"] == digest, "the receipt is for another record than the one given")
    lines = [f"proved    record {record_id(digest)} is in the log {key.name}, entry {index} (from 0) of {size}"]
    lines += [f"hash      {digest.hex()}", f"root      {base64.b64encode(root).decode()}, signed by {key.name}"]
    lines += [f"record    {said['stream']} revision {said['revision']}, recorded {said['recorded']}"] if said else []
    lines += [f"witness   {name} saw it at {at} (seconds since 1970)" for name, at in seen.items() if at is not None]
    lines += ["receipt   kept"] if promise else []
    return lines


def key_argument(text):
    if os.path.isfile(text):
        with open(text, encoding="utf-8") as file:
            text = file.read().rstrip()
    return Key(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--key", required=True, metavar="KEY")
    parser.add_argument("--record", metavar="FILE")
    parser.add_argument("--receipt", metavar="FILE")
    parser.add_argument("--witness", action="append", default=[], metavar="KEY")
    parser.add_argument("--quorum", type=int, metavar="N")
    given = parser.parse_args()

    def read(path):
        if path is None:
            return None
        with open(path, "rb") as file:
            return file.read()

    try:
        witnesses = [key_argument(text) for text in given.witness]
        key = key_argument(given.key)
        told = verify(read(given.file), key, read(given.record), read(given.receipt), witnesses, given.quorum)
    except (Fault, OSError) as fault:
        sys.exit(f"verify_proof: nothing is proved: {fault}")
    print("\n".join(told))


if __name__ == "__main__":
    main()
