"""Tasks beside the tiny models that read them, and short runs of both."""

from dataclasses import dataclass
from pathlib import Path

from trainers.loop import Fit
from trainers.methods import Base
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import Examples, Task

TWENTY_STEPS = Training(
    epochs=10, batch_size=8, lr=1e-2, max_length=32, device="cpu", precision="float32"
)


@dataclass(frozen=True)
class Place:
    """A task in its folder, and where the tiny models lie."""

    task: Task
    folder: Path
    models: Path

    def model(self, kind: str, **fields) -> HubModel:
        return HubModel(self.models / kind, **fields)

    def build(self, model: HubModel, init="pretrained", seed: int = 1):
        return model.build(self.task, self.folder, seed, model.start(init))

    def encode(self, model: HubModel, split):
        return model.encode(self.task.load(split, self.folder, 0), self.folder, 32)

    def fit(self, model: HubModel, method=None, init="pretrained"):
        """Twenty steps on sixteen examples."""
        examples = self.task.load("train", self.folder, 0)
        columns = {name: values[:16] for name, values in examples.inputs.items()}
        few = Examples(examples.ids[:16], examples.labels[:16], columns)
        train, dev = model.encode(few, self.folder, 32), self.encode(model, "dev")
        return Fit(self.build(model, init), method or Base(), train, dev, TWENTY_STEPS, seed=1)
