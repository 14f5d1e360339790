"""A deck as a JACK client in a process of its own: PortAudio finds it as a full-duplex device with four inputs and outputs.

``python jack_deck.py --server NAME --name "Virtual Deck" unity [--delay SAMPLES] [--gain-db DB]``
    what is played comes back, one JACK period and the delay later

``python jack_deck.py --server NAME --name "Virtual Deck" tape [--tracks 1,4] [--script record,play] ...``
    the simulated 424 as a tape machine; whenever something connects to it, it takes the next step of the script: ``record``
    (the armed tracks return what the electronics make of the input), ``play`` (the tape from its start, whatever was recorded
    on it), or ``thru`` (the input comes back). The last step repeats. When the stream ends, the tape stops and is rewound.

Standard input takes commands, one a line: ``freewheel on``, ``freewheel off``, and ``count``, which is answered by the number of
samples that have gone through while something was connected. Standard output says ``ready``, every step taken, and ``stopped``.
"""

import argparse
import contextlib
import os
import signal
import sys
import threading
import time

import jack
import numpy as np

CHANNELS = 4
CONNECT_S = 10.0
IDLE_S = 0.02
"""A server that runs free and has nothing to carry is held back so long in every period, or it takes a whole processor."""


def say(words):
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


class Unity:
    """Returns what it is sent, with a delay and a gain."""

    def __init__(self, delay, gain_db):
        self.gain = np.float32(10.0 ** (gain_db / 20.0))
        self.delay = delay
        self.stop()

    def start(self):
        return "thru"

    def stop(self):
        self.line = np.zeros((self.delay, CHANNELS), dtype=np.float32)

    def process(self, block):
        joined = np.concatenate([self.line, self.gain * block])
        self.line = joined[block.shape[0] :]
        return joined[: block.shape[0]]


class Tape:
    """The simulated deck, taken through its script by whoever connects."""

    def __init__(self, rate, period, settings):
        from modeling.deck.deck import VirtualDeck
        from modeling.deck.parameters import load_parameters

        parameters = load_parameters(settings.preset).model_copy(update={"speed_cm_s": settings.speed})
        self.deck = VirtualDeck(parameters, rate, settings.reference_dbfs, settings.seed)
        self.tracks = [int(track) for track in settings.tracks.split(",")]
        self.script = settings.script.split(",")
        self.steps = self.plays = 0
        warm = VirtualDeck(parameters, rate, settings.reference_dbfs, settings.seed)  # compiled before anything rolls
        warm.arm(self.tracks)
        warm.process(np.zeros((rate // 4, CHANNELS)))
        warm.rewind()
        warm.play(1)
        warm.process(np.zeros((period, CHANNELS)))
        warm.close()
        self.step = "stopped"

    def start(self):
        self.step = self.script[min(self.steps, len(self.script) - 1)]
        self.steps += 1
        if self.step == "record":
            self.plays = 0
            self.deck.arm(self.tracks)
        elif self.step == "play":
            self.plays += 1
            self.deck.play(self.plays)
            return f"play {self.plays}"
        return self.step

    def stop(self):
        self.deck.rewind()
        self.step = "stopped"

    def process(self, block):
        return block if self.step == "thru" else self.deck.process(block)


def connected_client(name, server):
    """A client of the server, which may still be starting."""
    give_up = time.monotonic() + CONNECT_S
    while True:
        try:
            return jack.Client(name, use_exact_name=True, no_start_server=True, servername=server)
        except jack.JackOpenError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--name", default="Virtual Deck")
    kinds = parser.add_subparsers(dest="kind", required=True)
    unity = kinds.add_parser("unity")
    unity.add_argument("--delay", type=int, default=0)
    unity.add_argument("--gain-db", type=float, default=0.0)
    tape = kinds.add_parser("tape")
    tape.add_argument("--tracks", default="1,4")
    tape.add_argument("--script", default="record,play")
    tape.add_argument("--preset", default="fresh")
    tape.add_argument("--speed", type=float, default=9.5)
    tape.add_argument("--reference-dbfs", type=float, default=-18.0)
    tape.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    settings = arguments()
    jack.set_error_function(lambda words: None)
    jack.set_info_function(lambda words: None)
    client = connected_client(settings.name, settings.server)
    rate, period = client.samplerate, client.blocksize
    machine = Unity(settings.delay, settings.gain_db) if settings.kind == "unity" else Tape(rate, period, settings)
    inputs = [client.inports.register(f"record_{k + 1}") for k in range(CHANNELS)]
    outputs = [client.outports.register(f"play_{k + 1}") for k in range(CHANNELS)]
    ours = {port.name for port in [*inputs, *outputs]}
    passed = 0
    wires, rolling, gone, dead = set(), threading.Lock(), threading.Event(), threading.Event()
    free = threading.Event()

    @client.set_process_callback
    def process(frames):
        nonlocal passed
        with rolling:
            if wires:
                passed += frames
                returned = machine.process(np.stack([port.get_array() for port in inputs], axis=1))
                for port, channel in zip(outputs, returned.T, strict=True):
                    port.get_array()[:] = channel
            else:
                for port in outputs:
                    port.get_array().fill(0.0)
        if free.is_set() and not wires:
            time.sleep(IDLE_S)

    @client.set_port_connect_callback
    def connect(one, other, is_connected):
        if not {one.name, other.name} & ours:
            return
        with rolling:
            before = bool(wires)
            (wires.add if is_connected else wires.discard)((one.name, other.name))
            if wires and not before:
                say(machine.start())
            elif before and not wires:
                machine.stop()
                say("stopped")

    @client.set_shutdown_callback
    def shutdown(status, reason):
        dead.set()
        gone.set()

    signal.signal(signal.SIGTERM, lambda number, frame: gone.set())
    client.activate()
    say("ready")

    def obey():
        with contextlib.suppress(OSError):
            for line in sys.stdin:
                if line.strip() == "count":
                    say(f"count {passed}")
                    continue
                on = line.strip() == "freewheel on"
                with contextlib.suppress(jack.JackErrorCode):  # it is so already
                    client.set_freewheel(on)
                (free.set if on else free.clear)()
                say(line.strip())
        gone.set()  # whoever started this process is gone

    threading.Thread(target=obey, daemon=True).start()
    gone.wait()
    if not dead.is_set():  # a client of a server that died cannot be closed
        client.close()
    os._exit(0)


if __name__ == "__main__":
    main()
