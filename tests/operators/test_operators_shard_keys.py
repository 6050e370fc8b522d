"""The names of the shards: frozen, and spread evenly over Bytewax's workers."""

import json
import subprocess
import sys
from collections import Counter
from hashlib import sha256

import pytest

from flows.shard_keys import SHARDS_MOST, shard_key

MASK = (1 << 64) - 1


def rotate(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & MASK


def sip_rounds(v: list[int], rounds: int) -> None:
    for _ in range(rounds):
        v[0] = (v[0] + v[1]) & MASK
        v[2] = (v[2] + v[3]) & MASK
        v[1] = rotate(v[1], 13) ^ v[0]
        v[3] = rotate(v[3], 16) ^ v[2]
        v[0] = rotate(v[0], 32)
        v[2] = (v[2] + v[1]) & MASK
        v[0] = (v[0] + v[3]) & MASK
        v[1] = rotate(v[1], 17) ^ v[2]
        v[3] = rotate(v[3], 21) ^ v[0]
        v[2] = rotate(v[2], 32)


def siphash(data: bytes, key: bytes = bytes(16), rounds: tuple[int, int] = (1, 3)) -> int:
    """SipHash-c-d (Aumasson and Bernstein, 2012); Rust's DefaultHasher is 1-3 with a zero key."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    padded = data + bytes(-(len(data) + 1) % 8) + bytes((len(data) & 0xFF,))
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        v[3] ^= word
        sip_rounds(v, rounds[0])
        v[0] ^= word
    v[2] ^= 0xFF
    sip_rounds(v, rounds[1])
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def test_the_hash_of_this_test_gives_the_papers_example() -> None:
    example = siphash(bytes(range(15)), key=bytes(range(16)), rounds=(2, 4))
    assert example == 0xA129CA6149BE45E5


def test_the_hash_of_a_shards_name_is_its_number_modulo_240() -> None:
    names = [shard_key(shard).encode() for shard in range(SHARDS_MOST)]
    assert [siphash(name + b"\xff") % 240 for name in names] == list(range(240))


def test_names_and_numbers_of_shards_belong_together() -> None:
    assert len({shard_key(shard) for shard in range(SHARDS_MOST)}) == SHARDS_MOST == 240


def test_the_names_are_frozen_since_every_state_holds_them() -> None:
    names = "\n".join(shard_key(shard) for shard in range(SHARDS_MOST))
    assert shard_key(0) == "shard-0.423"
    assert (
        sha256(names.encode()).hexdigest()
        == "a6633d9883450f9690286d1bde61a1e4c9e55b6a82107c2598582102773c086a"
    )


@pytest.mark.parametrize("shards", [12, 48, 240])
def test_any_number_of_workers_that_divides_the_shards_gets_equal_shares(shards: int) -> None:
    hashes = [siphash(shard_key(shard).encode() + b"\xff") for shard in range(shards)]
    for workers in (n for n in range(1, shards + 1) if shards % n == 0):
        shares = Counter(value % workers for value in hashes)
        assert set(shares.values()) == {shards // workers}


FLOW = """
import json, sys, threading
from bytewax import operators as op
from bytewax._bytewax import cluster_main
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.testing import TestingSink, TestingSource
from flows.shard_keys import shard_key

class Where(StatefulBatchLogic):
    def on_batch(self, values):
        return [(value, threading.get_ident()) for value in values], StatefulBatchLogic.RETAIN
    def snapshot(self):
        return None

out = []
flow = Dataflow("shares")
keyed = op.input("in", flow, TestingSource([(shard_key(n), n) for n in range(12)]))
op.output("out", op.stateful_batch("where", keyed, lambda state: Where()), TestingSink(out))
cluster_main(flow, [], 0, worker_count_per_proc=int(sys.argv[1]))
print(json.dumps([[shard, worker] for _, (shard, worker) in out]))
"""


@pytest.mark.parametrize("workers", [2, 3, 4])
def test_bytewax_gives_its_workers_equal_shares_of_twelve_shards(workers: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FLOW, str(workers)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    placed = dict(json.loads(done.stdout))
    assert sorted(placed) == list(range(12))
    assert sorted(Counter(placed.values()).values()) == [12 // workers] * workers
    for shard, worker in placed.items():
        assert worker == placed[shard % workers], "shard i goes where i modulo the workers says"
