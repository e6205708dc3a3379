"""Table 2 of arXiv 2205.12428: does label regularisation help BERT-small on GLUE?

Seeds, epochs, batch size, rate, α, τ and a are the paper's (Table 9). What it leaves open is named
below. Five pairs can never reach .05 by the exact Wilcoxon test, so that the test is the paired t;
without `seeds=` there are the eight of the paper's own tests. Test sets are carved out of train, as
large as dev: GLUE's own labels are hidden, but for MRPC's.
"""

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base, SelfKD, Teacher, TFReg
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import glue

# One teacher serves all seeds, trained as its students are: the paper prints it without a spread.
teacher = Teacher(HubModel("google-bert/bert-large-uncased"), seed=42)

study = Study(
    name="glue_bert_small",
    task=[glue(name) for name in ("cola", "rte", "mrpc", "sst2", "qnli", "mnli", "qqp")],
    arms=Arm.grid(
        model=HubModel("google/bert_uncased_L-4_H-512_A-8"),
        init="pretrained",
        method=[
            Base(),
            LS(epsilon=0.1),
            TFReg(alpha=0.5, a=0.95, variant="paper"),  # equations 4 and 5, not Yuan et al.'s code
            SelfKD(alpha=0.5, tau=1),
            KD(alpha=0.5, tau=1, teacher=teacher),
        ],
    ),
    comparison=Comparison("base", ["ls", "tf_reg", "self_kd", "kd"]),
    # The paper declares no margin; it compares on each task, and on their mean: its "Score".
    judging=Judging(margin=1.0, test="t", tasks="fixed"),
    seeds=(42, 549, 1237, 230, 805),
    training=Training(
        epochs=30,
        batch_size=32,
        lr=2e-5,
        schedule="linear",  # open in the paper, like all that follow: those of Hugging Face's
        warmup=0.0,  # example for GLUE,
        weight_decay=0.0,
        clip=1.0,
        max_length=128,
        select="best",  # but for the checkpoint: the best epoch on dev
    ),
)
