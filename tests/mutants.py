"""Broken methods: each is a method of the library with one real bug written into its source.

The conformance suite must catch every one, by the check named for it and for the reason named; and
every check must catch one. Most of these bugs were shipped by somebody, somewhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from unlabeled import catalog


class Mutant(NamedTuple):
    """A method, what is wrong with it, and the check that must say so.

    Attributes:
        bug: What is wrong; the name of its file.
        check: The check that catches it.
        says: Words that the check's message must hold.
        method: The method it is made of.
        edits: What is written over, and what is written in its place.
    """

    bug: str
    check: str
    says: str
    method: str
    edits: dict[str, str]

    def __hash__(self) -> int:
        return hash(self.bug)

    def write(self, folder: Path) -> str:
        """Write the broken method into a folder; its path."""
        source = catalog.card(self.method).path.read_text()
        for old, new in self.edits.items():
            assert old in source, f"{self.method} no longer says {old!r}"
            source = source.replace(old, new)
        path = folder / f"{self.bug.replace(' ', '_')}.py"
        path.write_text(source)
        return str(path)


NT_XENT = "return nt_xent(za, zb, temperature=self.temperature)"
CHOOSE = "return choose(self.head(self.encoder(turned)), turns)"
PLAIN = "images = augment(batch, self.encoder.size, weak)"
SHORT = {'"crops": 0,': '"crops": 0, "memory": 64,'}  # a queue, which the small recipe has not
REMEMBER = "        self.queue.remember(torch.cat(z[:2], 1))\n"
TEACHER = "self.teacher = Teacher(self.encoder, self.projector, momentum=self.teacher_momentum)"

MUTANTS = [
    # ---- what a method says about itself --------------------------------------------------
    Mutant("undocumented", "documented", "one sentence", "rotation",
           {"Tell which way is up.": "Rotation"}),
    Mutant("told and not ordered", "documented", "must be an order", "rotation",
           {"Tell which way is up.": "Tells which way is up."}),
    Mutant("without a paper", "documented", "`paper`", "rotation",
           {"https://arxiv.org/abs/1803.07728": ""}),
    Mutant("a setting without a meaning", "documented", "what it means", "simclr",
           {"softmax temperature": ""}),
    Mutant("named like a setting of the recipe", "documented", "something else", "simclr",
           {"temperature: float": "warmup: float", "self.temperature": "self.warmup",
            '"temperature": 0.2, ': ""}),
    Mutant("named like a part of torch", "documented", "something else", "simclr",
           {"temperature: float": "half: float", "self.temperature": "0.1",
            '"temperature": 0.2, ': ""}),
    Mutant("too long", "short_and_final", "lines", "rotation",
           {"import math\n": "import math\n" * 60}),
    Mutant("inherits from another method", "short_and_final", "inherits", "simclr",
           {"from unlabeled.method import Method":
            "from unlabeled.methods.transformation.rotation import Rotation as Method"}),
    Mutant("a setting out of the catalogue", "card", "literal", "simclr",
           {"    projection: int": "    if True:\n        projection: int"}),
    Mutant("a recipe changed afterwards", "card", "`recipe`", "rotation",
           {"    def setup": "    recipe.settings.update(epochs=3)\n\n    def setup"}),
    Mutant("changes its own settings", "spec", "rebuilt", "simclr",
           {"self.projector = mlp": "self.hidden //= 2\n        self.projector = mlp"}),
    Mutant("ranges not checked", "spec", "was accepted", "rotation",
           {"    def setup": "    def __post_init__(self) -> None:\n        try:\n"
            "            super().__post_init__()\n        except ValueError:\n"
            "            self.setup()\n\n    def setup",
            "    recipe =": '    turns: int = hp("how many turns", default=4, low=2)\n    recipe =',
            "import choose": "import choose\nfrom unlabeled.fields import hp"}),
    Mutant("asks for labels", "labels", "batch alone", "rotation",
           {"batch: Batch) -> tuple[Tensor, Tensor]": "batch: Batch, labels: object = None)"}),
    Mutant("reads data by itself", "labels", "unlabeled.data", "rotation",
           {"import math": "import math\nfrom unlabeled.data.store import Store"}),
    # ---- views ----------------------------------------------------------------------------
    Mutant("views from the global generator", "views", "second time", "rotation",
           {PLAIN: f"{PLAIN} + 0.1 * torch.rand(1)"}),
    Mutant("views from the place in the batch", "views", "its place", "rotation",
           {PLAIN: f"{PLAIN}\n        images = images * torch.linspace(0, 1, len(images))"
            ".view(-1, 1, 1, 1)"}),
    Mutant("views normalised by the batch", "views", "its neighbours", "rotation",
           {PLAIN: f"{PLAIN}\n        images = images - images.mean()"}),
    Mutant("views with samples innermost", "views", "its place", "rotation",
           {"torch.stack([move": "torch.cat([move", ", 1).flatten(0, 1)": ")",
            ".repeat(len(images))": ".repeat_interleave(len(images))"}),
    Mutant("the same views every epoch", "views", "another epoch", "rotation",
           {PLAIN: PLAIN.replace("batch", "Batch(batch.data, batch.index)")}),
    Mutant("edits the batch", "views", "wrote into the batch", "rotation",
           {PLAIN: f"batch.data.add_(1)\n        {PLAIN}"}),
    # ---- loss -----------------------------------------------------------------------------
    Mutant("a mean in place of energies", "energies", "energies", "simclr",
           {NT_XENT: f"{NT_XENT}.mean()"}),
    Mutant("energies with samples innermost", "energies", "outermost", "simclr",
           {NT_XENT: NT_XENT.replace("return", "e =") + "\n        return torch.cat([e, e])"}),
    Mutant("trained on a sum", "loss", "mean", "rotation",
           {"    def learned_nothing": "    def forward(self, *views):\n"
            "        loss, terms = super().forward(*views)\n        return 2 * loss, terms\n\n"
            "    def learned_nothing"}),
    Mutant("terms that do not add up", "loss", "add up", "rotation",
           {"    def learned_nothing": "    def forward(self, *views):\n"
            "        loss, terms = super().forward(*views)\n"
            "        return loss, {**terms, 'twice': loss.detach()}\n\n    def learned_nothing"}),
    Mutant("a dead head", "gradient", "no gradient reaches spare", "rotation",
           {"self.head = ": "self.spare = nn.Linear(4, 4)\n        self.head = "}),
    Mutant("an encoder cut off", "gradient", "no gradient reaches encoder", "simclr",
           {"self.projector(self.encoder(x))": "self.projector(self.encoder(x).detach())"}),
    Mutant("a teacher that learns", "gradient", "reaches the teacher", "byol",
           {TEACHER: f"{TEACHER}\n        self.teacher.nets.requires_grad_(True)"}),
    Mutant("the first sample counts more", "order", "another order", "simclr",
           {NT_XENT: f"{NT_XENT} + za[0].square().mean()"}),
    Mutant("randomness in the loss", "purity", "two losses", "simclr",
           {"torch.cat([a, b])": "torch.cat([a + 0.1 * torch.randn_like(a), b])"}),
    Mutant("a queue pushed before it is read", "purity", "`loss` changed", "swav",
           SHORT | {REMEMBER: f"{REMEMBER}        self.queue.advance(0.0)\n"}),
    Mutant("a queue that nothing enters", "purity", "`queue` stayed", "swav", SHORT | {REMEMBER: ""}),
    Mutant("a frozen teacher", "purity", "`teacher` stayed", "byol",
           {TEACHER: TEACHER.replace("self.teacher_momentum", "1.0")}),
    Mutant("a wrong closed form", "constant_encoder", "learned_nothing", "rotation",
           {"math.log(len(self.moves))": "math.log(3)"}),
    Mutant("itself among its own negatives", "constant_encoder", "learned_nothing", "simclr",
           {NT_XENT: "z = torch.nn.functional.normalize(torch.cat([za, zb]))\n"
            "        right = torch.arange(len(z)).roll(len(za))\n"
            "        return choose(z @ z.T / self.temperature, right).view(2, -1).mean(0)",
            "import nt_xent": "import choose"}),
    # ---- training -------------------------------------------------------------------------
    Mutant("the gradient's sign", "descent", "down the gradient", "rotation",
           {CHOOSE: CHOOSE.replace("return", "e =") + "\n        return 2 * e.detach() - e"}),
    Mutant("a queue that is not saved", "resume", "queue.items", "swav",
           SHORT | {"    def views": "        self.queue.items = torch.nn.Buffer(self.queue.items, "
            "persistent=False)\n\n    def views"}),
    Mutant("a schedule in a plain attribute", "resume", "plain attribute", "simclr",
           {"        return augment": "        self.age += 1\n        return augment",
            "    def embed": "    age = 0\n\n    def embed",
            "temperature=self.temperature": "temperature=self.temperature / self.age"}),
    Mutant("a distance as a difference of products", "bfloat16", "in bfloat16", "autoencoder",
           {"return regress(self.rebuild(noisy), clean)":
            "a, b = (self.rebuild(noisy) + 10).flatten(1), (clean + 10).flatten(1)\n"
            "        return (a @ a.T - 2 * a @ b.T + b @ b.T).diagonal() / a.shape[1]"}),
    Mutant("reads a value back", "compiles", "does not compile", "rotation",
           {CHOOSE: CHOOSE.replace("return", "e =")
            + "\n        return e if e[0].item() > 0 else e"}),
    Mutant("a forgotten gather", "two_processes", "gather", "simclr",
           {NT_XENT: "za, zb = (torch.nn.functional.normalize(z) for z in (za, zb))\n"
            "        return choose(za @ zb.T / self.temperature, torch.arange(len(za)))",
            "import nt_xent": "import choose"}),
    Mutant("a mean over its own process", "two_processes", "gather", "word2vec",
           {"total(near.sum())": "(near.sum() * world()[1])"}),
    # ---- what is kept ---------------------------------------------------------------------
    Mutant("a head grafted on the encoder", "export", "head.weight", "rotation",
           {"self.head": "self.encoder.head"}),
    Mutant("an encoder that needs the method", "export", "other vectors", "rotation",
           {"self.head =": "self.encoder.register_forward_hook(lambda net, x, out: 2 * out)\n"
            "        self.head ="}),
]  # fmt: skip
