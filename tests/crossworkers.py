"""Works on a search in a process of its own:

    python tests/crossworkers.py TREE OUT SEARCH GO HANG

SEARCH is what `search_of` takes, as JSON. It says "ready", waits for the file GO, and then says of every
run, as JSON, its value, fold and the step that it begins at. At step HANG, if that is not 0, it says
"hangs" and does.
"""

import json
import sys
import time
from pathlib import Path

import torch
from smallruns import stop_after
from smallsearches import search_of

from onedheat.crossval import work
from onedheat.data.w300 import read_300w


def main(tree: str, out: str, given: str, go: str, hang: str) -> None:
    torch.set_num_threads(1)

    def hang_up():
        print("hangs", flush=True)
        time.sleep(600)

    class Told(work.Run):
        def train(self):
            print(json.dumps([self.out.parent.name, self.out.name, self.step]), flush=True)
            if int(hang):
                stop_after(self, int(hang), hang_up)
            return super().train()

    work.Run = Told
    search = search_of(read_300w(tree), **json.loads(given))
    print("ready", flush=True)
    while not Path(go).exists():
        time.sleep(0.01)
    work.work(search, Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
