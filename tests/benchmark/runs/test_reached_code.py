"""Whatever the user's code reaches is part of a run's key; what cannot be followed is named."""

import os
import re
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import pytest

from benchmark.declare.loading import load_study
from benchmark.runs.plan import make_plan
from benchmark.runs.reach import reach
from benchmark.runs.reach.alterations import altered, altered_names
from benchmark.user_code.names import Held
from trainers.methods import KD, LS, R3F, Base
from trainers.models import Bert, ResNet
from trainers.settings import Training
from trainers.tasks import Digits

HEAD = """
import enum, functools, importlib, json, math, os, threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple
import numpy as np
import torch
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base, Method
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits
"""
STUDY = """
quick = Training(epochs=1, batch_size=16, lr=3e-3, device="cpu", precision="float32")
study = Study("s", Digits(digits=(5, 6, 7), train=60, dev=60, test=120),
    Arm.grid(ResNet((8,)), "scratch", [Base(), Mine()]), Comparison("base", "mine"), Judging(),
    quick, seeds=(1, 2), allow_underpowered=True)
"""


def method(
    body: str, before: str = "", fields: str = "", base: str = "Method", on: str = ""
) -> str:
    """The source of a study whose method `Mine` computes its loss by some statements."""
    lines = "".join(f"        {line}\n" for line in body.split("\n"))
    return (
        f"{HEAD}\n{before}\n{on}\n@dataclass(frozen=True)\nclass Mine({base}):\n"
        f"    name: ClassVar[str] = 'mine'\n    {fields}\n    def loss(self, step):\n{lines}{STUDY}"
    )


@pytest.fixture
def reached(tmp_path):
    """What the method of a study reaches: its source, and the files beside it."""

    def look(source, files=None, folder="project"):
        root = tmp_path / folder
        for name, content in {"study.py": source, **(files or {})}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        return reach(load_study(root / "study.py").arms[1].method)

    return look


WRAP = """
def wrap(function):
    @functools.wraps(function)
    def wrapped(*given):
        return V * function(*given)
    return wrapped
"""
SCALED = """
def scaled(by):
    def decorate(cls):
        old = cls.loss
        cls.loss = lambda self, step: by * old(self, step)
        return cls
    return decorate
"""
HELD = """
class Scale:
    def __init__(self, by):
        self.by = by
    def __call__(self, step):
        return self.by
"""

#: By what is reached, the study and the files beside it; V stands for what is changed.
KINDS = {
    "constant": (method("return F", "F = V"), {}),
    "a helper function": (method("return h()", "def h(): return V"), {}),
    "a helper of a helper": (method("return h()", "def g(): return V\ndef h(): return g()"), {}),
    "a helper class": (method("return A().f()", "class A:\n    def f(self): return V"), {}),
    "a module": (method("return m.h()", "import m"), {"m.py": "def h(): return V"}),
    "a module as": (method("return n.h()", "import m as n"), {"m.py": "def h(): return V"}),
    "from a module": (method("return h()", "from m import h"), {"m.py": "def h(): return V"}),
    "a constant of a module": (method("return H", "from m import H"), {"m.py": "H = V"}),
    "behind a module": (
        method("return m.h()", "import m"),
        {"m.py": "from n import K\ndef h(): return K", "n.py": "K = V"},
    ),
    "a package": (
        method("return p.q.h()", "import p.q"),
        {"p/__init__.py": "", "p/q.py": "from .r import K\ndef h(): return K", "p/r.py": "K = V"},
    ),
    "an import within": (method("import m\nreturn m.h()"), {"m.py": "def h(): return V"}),
    "from within": (method("from m import h\nreturn h()"), {"m.py": "def h(): return V"}),
    "getattr of a module": (method("return getattr(m, str(step))", "import m"), {"m.py": "a = V"}),
    "a decorator of the class": (method("return 1", SCALED, on="@scaled(V)"), {}),
    "a decorator": (method("return h()", WRAP + "@wrap\ndef h(): return 1"), {}),
    "a decorator of a package": (
        method("return h()", "@torch.no_grad()\n@functools.lru_cache\ndef h(): return V"),
        {},
    ),
    "a base class": (
        method(
            "return 1",
            "@dataclass(frozen=True)\nclass B(Method):\n    def penalty(self, step): return V",
            base="B",
        ),
        {},
    ),
    "a metaclass": (
        method(
            "return A.f()",
            "class M(type):\n    def f(cls): return V\nclass A(metaclass=M): pass",
        ),
        {},
    ),
    "a closure": (
        method("return h()", "def make(k):\n    def h(): return k\n    return h\nh = make(V)"),
        {},
    ),
    "a default": (method("return h()", "K = V\ndef h(k=K): return k"), {}),
    "a keyword's default": (method("return h()", "K = V\ndef h(*, k=K): return k"), {}),
    "a lambda": (method("return h()", "h = lambda: V"), {}),
    "a nested function": (method("def h():\n    return V\nreturn h()"), {}),
    "a comprehension": (method("return [F for _ in step]", "F = V"), {}),
    "a partial": (method("return h()", "h = functools.partial(max, V)"), {}),
    "a bound method": (method("return h(step)", f"{HELD}\nh = Scale(V).__call__"), {}),
    "the state of an instance": (method("return h(step)", f"{HELD}\nh = Scale(V)"), {}),
    "a field called teacher": (
        method(
            "return W.teacher",
            "class A:\n    def __init__(self, teacher): self.teacher = teacher\nW = A(V)",
        ),
        {},
    ),
    "a field called pretraining": (
        method(
            "return W.pretraining",
            "class A:\n    def __init__(self, by): self.pretraining = by\nW = A(V)",
        ),
        {},
    ),
    "the teacher of another method": (
        method(
            "return W.teacher.widths",
            "from trainers.methods import KD\nW = KD(teacher=ResNet((V,)))",
        ),
        {},
    ),
    "an attribute of a tensor": (
        method("return W.scale", "W = torch.ones(1)\nW.scale = V"),
        {},
    ),
    "what a weak reference leads to": (
        method("return W().by", f"{HELD}\nimport weakref\nh = Scale(V)\nW = weakref.ref(h)"),
        {},
    ),
    "what is held weakly": (
        method(
            "return W['h'].by",
            f"{HELD}\nimport weakref\nh = Scale(V)\nW = weakref.WeakValueDictionary(h=h)",
        ),
        {},
    ),
    "a name that a module makes up": (
        method("from m import K\nreturn K"),
        {"m.py": "def __getattr__(name): return V"},
    ),
    "a static method": (
        method("return A.f()", "class A:\n    @staticmethod\n    def f(): return V"),
        {},
    ),
    "a class method": (
        method("return A.f()", "class A:\n    @classmethod\n    def f(cls): return V"),
        {},
    ),
    "a property": (
        method("return self.p", fields="@property\n    def p(self): return V"),
        {},
    ),
    "a class attribute": (method("return self.k", fields="k: ClassVar[int] = V"), {}),
    "a field's default": (method("return self.k", fields="k: int = V"), {}),
    "a field's factory": (
        method(
            "return self.k", "def make(): return V", fields="k: int = field(default_factory=make)"
        ),
        {},
    ),
    "a dictionary": (method("return W['a']", "W = {'a': [V]}"), {}),
    "a set": (method("return W", "W = {'a', 'b', V}"), {}),
    "an array": (method("return W", "W = np.arange(V)"), {}),
    "a tensor": (method("return W", "W = torch.ones(V)"), {}),
    "a module of torch": (
        method("return N()(1)", "class N(torch.nn.Module):\n    def forward(self, x): return V"),
        {},
    ),
    "a loss of torch": (method("return L(1)", "L = torch.nn.HuberLoss(delta=V)"), {}),
    "an enumeration": (method("return E.A.value", "class E(enum.Enum):\n    A = V"), {}),
    "a named tuple": (
        method("return P().a", "class P(NamedTuple):\n    a: int = V"),
        {},
    ),
    "one of several": (
        method(
            "return g(1)",
            "@functools.singledispatch\ndef g(x): return 1\n@g.register\ndef _(x: int): return V",
        ),
        {},
    ),
    "a method put in place of ours": (
        method("return 1", "def own(self, step): return V\nLS.penalty = own", base="LS"),
        {},
    ),
    "a file": (method("return open('w.txt').read()"), {"w.txt": "V"}),
    "a file by a constant": (method("return np.load(W)", "W = 'w.npy'"), {"w.npy": "V"}),
    "a file beside the module": (
        method("return (Path(__file__).parent / 'd' / 'w.txt').read_text()"),
        {"d/w.txt": "V"},
    ),
    "a file by a local": (
        method(
            "p = os.path.join(os.path.dirname(__file__), 'w.json')\n"
            "with open(p) as f:\n    return json.load(f)"
        ),
        {"w.json": "V"},
    ),
    "a file by a field": (
        method("return open(self.p).read()", fields="p: str = 'w.txt'"),
        {"w.txt": "V"},
    ),
    "files of a folder": (
        method("return [open(f).read() for f in sorted(Path('d').glob('*.txt'))]"),
        {"d/w.txt": "V"},
    ),
    "a file of a class that reads": (
        method("import gzip\nreturn gzip.GzipFile(Path(__file__).parent / 'd' / 'w.gz').read()"),
        {"d/w.gz": "V"},
    ),
    "a file of a parser": (
        method(
            "import configparser\nc = configparser.ConfigParser()\n"
            "p = Path(__file__).parent / 'd' / 'w.ini'\nc.read(p)\nreturn c"
        ),
        {"d/w.ini": "[a]\nx=V"},
    ),
    "a file by its text": (
        method(
            "import linecache\n"
            "return linecache.getline(str(Path(__file__).parent / 'd' / 'w.txt'), 1)"
        ),
        {"d/w.txt": "V"},
    ),
    "files in a list": (
        method("return list(map(Path.read_text, [Path(__file__).parent / 'd' / 'w.txt']))"),
        {"d/w.txt": "V"},
    ),
    "a file of a loop over names": (
        method("return [open(f'd/{n}.txt').read() for n in N]", "N = ['v', 'w']"),
        {"d/v.txt": "1", "d/w.txt": "V"},
    ),
    "a file of two loops": (
        method(
            "for a in ('v', 'w'):\n    for b in N:\n        yield R('%s/' % a + b)",
            "N = ['w.txt']\nR = torch.nn.Linear",
        ),
        {"v/w.txt": "1", "w/w.txt": "V"},
    ),
    "a pattern": (method("return W.match('')", "import re\nW = re.compile('V')"), {}),
    "files that match": (
        method("import glob\nreturn list(map(np.loadtxt, glob.glob('d/*.txt')))"),
        {"d/w.txt": "V"},
    ),
    "a file of a package": (
        method("import pkgutil\nreturn pkgutil.get_data('pk', 'w.txt')"),
        {"pk/__init__.py": "", "pk/w.txt": "V"},
    ),
    "a folder that something reads": (
        method("return torch.nn.Linear('d')"),
        {"d/w.txt": "V"},
    ),
    "a folder by a constant": (
        method("return torch.nn.Linear(D)", "D = Path(__file__).parent / 'd'"),
        {"d/w.txt": "V"},
    ),
    "a file of the second lambda of a line": (
        method(
            "return g()",
            "HERE = Path(__file__).parent\n"
            "f, g = lambda: 1, lambda: (HERE / 'd' / 'w.txt').read_text()",
        ),
        {"d/w.txt": "V"},
    ),
    "a file that a helper's module opens": (
        method("return m.h()", "import m"),
        {
            "m.py": "import pathlib\nD = pathlib.Path(__file__).parent\n"
            "def h(): return (D / 'w.txt').read_text()",
            "w.txt": "V",
        },
    ),
}


@pytest.mark.sampled(test=8, test_all=5)
@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_what_code_reaches_changes_the_key(reached, kind, monkeypatch):
    source, files = KINDS[kind]
    if "LS.penalty" in source:
        monkeypatch.setattr(LS, "penalty", LS.penalty)  # so that it is given back
        del LS.penalty

    def with_value(value, folder):
        put = {name: re.sub(r"\bV\b", value, content) for name, content in files.items()}
        return reached(re.sub(r"\bV\b", value, source), put, folder)

    one, same, other = with_value("1", "a"), with_value("1", "elsewhere/b"), with_value("2", "c")
    assert one.unfollowed == other.unfollowed == ()
    assert one.digest == same.digest != other.digest


def test_what_is_only_written_and_the_code_itself_are_no_files_that_are_read(reached):
    source = method(
        "print(HERE)\np = HERE / 'out' / 'log.txt'\np.parent.mkdir(exist_ok=True)\n"
        "p.write_text('1')\nopen(p, 'a').close()\nnp.save(p, 1)\nreturn Path(__file__)",
        "HERE = Path(__file__).parent",
    )
    first = reached(source, {"out/log.txt": "1", "other.py": "1"})
    assert first.digest == reached(f"# why\n{source}", {"out/log.txt": "2", "other.py": "2"}).digest


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (method("return F", "F = 1"), method("# why\nreturn F  # so", "F = 1  # one")),
        (
            method("return h()", "def h(): return 1"),
            method("'Says.'\nreturn h()", "def h():\n    'Says more.'\n    return 1"),
        ),
        (method("return h(1) + 2"), method("return (\n    h(\n        1\n    )\n    + 2)")),
        (
            method("return h(1)", "def h(x): return x"),
            method("return h(1)", "def h(x: int) -> int:\n\n    return (x)"),
        ),
        (method("return 1"), method("return 1", "OTHER = 3\ndef other(): return OTHER")),
        (method("return 1"), method("return 1", fields="'''What it does.'''")),
        (method("return W", "W = {'a', 'b'}"), method("return W", "W = {'b', 'a'}")),
        (
            method("if step: return 1\nreturn 2"),
            method("if step:\n\n    # then\n    return 1\nreturn 2"),
        ),
    ],
    ids=["comment", "docstring", "layout", "hints", "not reached", "class doc", "set", "lines"],
)
def test_what_computes_the_same_has_the_same_key(reached, first, second):
    assert reached(first).digest == reached(second).digest is not None


@pytest.mark.sampled(test=4, test_all=2)
@pytest.mark.parametrize(
    ("source", "said"),
    [
        (method("return importlib.import_module('m').h()"), "importlib.import_module reaches"),
        (method("import importlib\nreturn importlib.import_module('m')"), "import_module reaches"),
        (method("return __import__('m').h()"), "__import__ reaches code that the source"),
        (method("return eval('1')"), "eval reaches"),
        (
            method("return h()", "@torch.no_grad()\ndef h(): return eval('1')"),
            "eval reaches",
        ),
        (method("import pkgutil\nreturn pkgutil.resolve_name('m:h')()"), "resolve_name reaches"),
        (method("import pydoc\nreturn pydoc.locate('m.h')()"), "pydoc.locate reaches"),
        (
            method(
                "from importlib.machinery import SourceFileLoader\n"
                "return SourceFileLoader('m', 'm.py').load_module().h()"
            ),
            "importlib.machinery reaches",
        ),
        (
            method(
                "return S('m', 'm.py')",
                "from importlib.machinery import SourceFileLoader\nS = SourceFileLoader",
            ),
            "SourceFileLoader reaches",
        ),
        (method("return getattr(importlib, 'import_' + 'module')('m')"), "importlib as a whole"),
        (
            method("import importlib\nreturn getattr(importlib, 'import_module')('m')"),
            "import_module reaches",
        ),
        (method("return h.__globals__['K']", "K = 1\ndef h(): return 1"), "what __globals__"),
        (method("return getattr(h, '__globals__')", "def h(): return 1"), "what __globals__"),
        (method("import sys\nreturn sys._getframe().K"), "sys._getframe reaches"),
        (method("import inspect\nreturn inspect.currentframe().K"), "currentframe reaches"),
        (method("return h.__doc__", "def h(): 'Says.'"), "what __doc__ holds"),
        (method("return h.__annotations__", "def h(x: 1): return 1"), "what __annotations__"),
        (method("return globals()['K']", "K = 1"), "globals reaches"),
        (method("return h()", "exec('def h(): return 1')"), "h has no source"),
        (method("return h()", "K = 1\ndef h():\n    global K\n    K = 2"), "K is changed at run"),
        (method("m.K = 2\nreturn m.K", "import m"), "m.K is changed at run time"),
        (method("setattr(m, 'K', 2)\nreturn m.K", "import m"), "changes code at run time"),
        (method("return os.environ['HOME']"), "os.environ reads what is outside the study"),
        (method("return os.getenv('HOME')"), "os.getenv reads"),
        (method("return open(str(step) + 'x').read()"), "which file open(str(step) + 'x') reads"),
        (method("return h('w')", "def h(p): return open(p).read()"), "which file open(p) reads"),
        (
            method("return [open(p.strip()).read() for p in open('list.txt')]"),
            "which file open(p.strip()) reads",
        ),
        (
            method("return [open(f'y/{p.stem}') for p in Path('x').iterdir()]"),
            "which file open(f'y/{p.stem}') reads",
        ),
        (
            method("return [(p.parent.parent / 'y').open() for p in Path('x').iterdir()]"),
            "which file (p.parent.parent / 'y').open() reads",
        ),
        (method("import subprocess\nreturn subprocess.run(['ls'])"), "subprocess runs another"),
        (method("from urllib.request import urlopen\nreturn urlopen('x')"), "from the network"),
        (method("return L", "L = threading.Lock()"), "the state of a lock cannot be read"),
    ],
)
def test_what_cannot_be_followed_is_named_with_its_line(reached, source, said):
    (first, *_) = reached(source, {"m.py": "K = 1\ndef h(): return 1"}).unfollowed
    assert said in first
    assert first.startswith("study.py:")


@pytest.mark.slow
def test_the_key_is_the_same_in_every_process_and_wherever_the_study_lies(tmp_path):
    source = method(
        "return W, h(), log, D",
        "import logging, random\nfrom m import h\nW = {'a', 'b', 'c'}\n"
        "log = logging.getLogger(__name__)\n"
        "D = random.random(), np.random.rand(), torch.randn(2)",
    )
    code = (
        "import sys; from pathlib import Path; from benchmark.declare.loading import load_study;"
        "from benchmark.runs.plan import make_plan;"
        "print(make_plan(load_study(Path(sys.argv[1]))).cells)"
    )
    said = set()
    for i in range(2):
        folder = tmp_path / str(i)
        folder.mkdir()
        (folder / "study.py").write_text(source)
        (folder / "m.py").write_text("S = frozenset('xyz')\ndef h(): return S")
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder / "study.py")],
            env={**os.environ, "PYTHONHASHSEED": str(i), "PYTHONPATH": str(Path.cwd())},
            cwd=folder if i else "/",
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(done.stdout)
    assert len(said) == 1


def test_tasks_models_and_settings_of_the_user_are_followed_like_methods(tmp_path):
    own = """
def factor(): return V
@dataclass(frozen=True)
class Mine(Base):
    name: ClassVar[str] = "mine"
@dataclass(frozen=True)
class MyDigits(Digits):
    def load(self, split, folder, seed):
        open(folder / "digits.npz").close()
        factor()
        return super().load(split, folder, seed)
"""
    text = HEAD + own + STUDY.replace("Digits(", "MyDigits(")
    plans = []
    for value in ("1", "2"):
        (tmp_path / "study.py").write_text(re.sub(r"\bV\b", value, text))
        plans.append(make_plan(load_study(tmp_path / "study.py")))
    assert not {*plans[0].runs} & {*plans[1].runs}  # the prepared data are others, too
    assert all("anew" not in str(run.specification()) for run in plans[0].runs.values())


@pytest.mark.parametrize(
    "built_in",
    [LS(), KD(teacher=Bert()), LS() + R3F(), ResNet((8,)), Digits(), Training(device="cpu")],
    ids=lambda each: type(each).__name__,
)
def test_what_is_built_in_has_nothing_of_the_users_in_its_key(built_in):
    found = reach(built_in)
    assert (found.digest, found.unfollowed) == (None, ())


def test_a_declared_teacher_and_pretraining_stand_in_the_keys_of_their_own_runs(reached):
    def taught(width, more=""):
        declared = f"Mine(teacher=Teacher(ResNet(({width},)), init='scratch')){more}"
        text = method("return 1", "from trainers.methods import KD, R3F, Teacher", base="KD")
        named = text.replace("Mine()", declared).replace('"base", "mine"', '"base", "mine+r3f"')
        return reached(named if more else text.replace("Mine()", declared)).digest

    assert taught(1) == taught(2) is not None
    assert taught(1, " + R3F()") == taught(2, " + R3F()") is not None


CHANGES = {
    "a constant": (
        *("trainers.steps.predicting", "_EVALUATION_BATCH"),
        *("import trainers.steps.predicting as l", "V"),
    ),
    "a function": ("trainers.loop", "predict", "import trainers.loop as l", "lambda *a: V"),
    "a method": (
        "trainers.loop",
        "Fit.score",
        "from trainers.loop import Fit as l",
        "lambda *a: V",
    ),
    "a built-in name": ("trainers.loop", "len", "import trainers.loop as l", "lambda x: V"),
    "a function of a package": (
        *("torch.nn.functional", "gelu", "import torch.nn.functional as l"),
        "functools.partial(l.gelu, approximate='V')",
    ),
    "a method of a package": (
        "torch.nn",
        "GELU.forward",
        "from torch.nn import GELU as l",
        "lambda *a: V",
    ),
}


def keys(folder, text):
    """Of all runs of a study with some text before it."""
    folder.mkdir(exist_ok=True)
    (folder / "study.py").write_text(method("return 1", text))
    return {*make_plan(load_study(folder / "study.py")).runs}


@pytest.mark.sampled(test=5, test_all=2)
@pytest.mark.parametrize("kind", CHANGES)
def test_what_a_study_changes_in_code_of_others_is_in_the_key_of_all_its_runs(
    kind, tmp_path, monkeypatch
):
    module, name, how, value = CHANGES[kind]
    holder, last = sys.modules[module], name.rpartition(".")[2]
    for part in name.split(".")[:-1]:
        holder = getattr(holder, part)
    given_back = getattr(holder, last, None)
    monkeypatch.setattr(holder, last, given_back, raising=False)
    monkeypatch.undo()
    before = keys(tmp_path, "")
    found = []
    for number in "112":
        with monkeypatch.context() as patch:
            patch.setattr(holder, last, getattr(holder, last, None), raising=False)
            if given_back is None:
                delattr(holder, last)
            found.append(keys(tmp_path, f"{how}\nl.{last} = {value.replace('V', number)}"))
    assert found[0] == found[1]
    assert not found[0] & found[2]
    assert not found[0] & before
    assert keys(tmp_path, "") == before


def settings_in_a_process(folder, text):
    """The keys of a study, by a process that nothing else has changed, and what it names."""
    code = (
        "import sys; from pathlib import Path; from benchmark.declare.loading import load_study;"
        "from benchmark.runs.plan import make_plan;"
        "from benchmark.runs.reach.alterations import altered, altered_names;"
        "texts = sys.stdin.read().split('#next\\n')\n"
        "for i, text in enumerate(texts):\n"
        "    path = Path(sys.argv[1]) / f'study{i}.py'\n"
        "    path.write_text(text); print(sorted(make_plan(load_study(path)).runs)[0], "
        "len(altered().unfollowed), *altered_names())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(folder)],
        input="#next\n".join(method("return 1", each) for each in text),
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split(" ", 2) for line in done.stdout.splitlines()]


LINEAR = "class A(torch.nn.Module):\n    def forward(self, x): return x * 2\n"


@pytest.mark.slow
def test_what_a_study_sets_within_packages_is_in_its_keys(tmp_path):
    changes = {
        "": "",
        "ResNetBasicLayer.forward": "import transformers.models.resnet.modeling_resnet as m\n"
        "m.ResNetBasicLayer.forward = lambda self, x: x",
        "ACT2FN['relu']": "from transformers.activations import ACT2FN\n"
        f"{LINEAR}ACT2FN['relu'] = A",
        "_global_forward_hooks[": "import torch.nn.modules.module as m\n"
        "m.register_module_forward_hook(lambda m, i, o: o * 2)",
        "_BatchNorm.__init__.__defaults__": "m = torch.nn.modules.batchnorm._BatchNorm\n"
        "m.__init__.__defaults__ = (1.0, *m.__init__.__defaults__[1:])",
        "matmul_precision()": "torch.set_float32_matmul_precision('medium')",
        "set_flush_denormal": "torch.set_flush_denormal(True)",
        "mkldnn.enabled": "torch.backends.mkldnn.enabled = False",
    }
    found = settings_in_a_process(tmp_path, changes.values())
    assert len({key for key, *_ in found}) == len(changes)
    for name, (_, unfollowed, *names) in zip(changes, found, strict=True):
        assert unfollowed == "0"
        assert name in " ".join(names)


def test_what_a_study_changes_is_named_and_counts_once_however_often_it_is_loaded(
    tmp_path, monkeypatch
):
    from trainers import metrics
    from trainers.steps import predicting

    monkeypatch.setattr(predicting, "_EVALUATION_BATCH", predicting._EVALUATION_BATCH)
    monkeypatch.setitem(metrics.SELECTS, "nll", metrics.SELECTS["nll"])
    change = (
        "import trainers.steps.predicting, trainers.metrics\n"
        "trainers.steps.predicting._EVALUATION_BATCH = 7\n"
        "trainers.metrics.SELECTS['nll'] = 3"
    )
    once, again = keys(tmp_path, change), keys(tmp_path, change)
    assert once == again
    assert altered_names() == (
        "trainers.metrics.SELECTS['nll']",
        "trainers.steps.predicting._EVALUATION_BATCH",
    )


def test_a_change_that_cannot_be_followed_is_named_and_no_earlier_run_counts(tmp_path, monkeypatch):
    from trainers import loop

    monkeypatch.setattr(loop, "predict", loop.predict)
    change = "import trainers.loop\ntrainers.loop.predict = eval('lambda *a: 1')"
    assert not keys(tmp_path, change) & keys(tmp_path, change)
    (what, *_) = altered().unfollowed
    assert what.startswith("trainers.loop.predict: ")
    assert "has no source" in what


def test_looking_at_a_dictionary_makes_nothing_of_its_entries():
    class Made(OrderedDict):
        def __getitem__(self, key):
            raise AssertionError("asked")  # activations of transformers are made when asked for

    holder = Made(relu=int)
    held = Held.of(holder)
    assert held.code() == {"['relu']": int}
    assert held.is_as(Held.of(holder))


def test_packages_that_the_code_uses_are_known(reached):
    found = reached(method("return special.erf(1)", "from scipy import special"))
    assert "scipy" in found.packages
    assert "numpy" not in reached(method("return 1")).packages
    assert reach(Base()).packages == frozenset()
