# REQUIRED INPUTS: the config (config/config.yaml, or --configfile).
# OUTPUTS: none; defines what the other files use: the checked experiment, the names of its parts,
#   and params that hold just what a job depends on. What runs is decided by the records beside the
#   artefacts, from the very command line that a rule would run: a rule needs nothing for it.
#   An input marked `ancient` is waited for, but not read.
import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Steps run the Python that runs Snakemake, also when its environment is not activated, or that of
# the folder SPARKLE_BIN, which may be a wrapper around a container.
PYTHON_FOLDER = os.environ.get("SPARKLE_BIN") or os.path.dirname(sys.executable)
os.environ["PATH"] = PYTHON_FOLDER + os.pathsep + os.environ["PATH"]
# The code beside this Snakefile counts, which for a job on a cluster is a frozen copy.
CODE = str(workflow.basedir)
sys.path.insert(0, CODE)
os.environ["PYTHONPATH"] = os.pathsep.join(
    [CODE, *filter(None, [os.environ.get("PYTHONPATH")])]
)
os.environ["PYTHONSAFEPATH"] = "1"

from sparkle.cli import read_step
from sparkle.cluster.supervise import supervise, write_plan
from sparkle.config.extend import with_bases
from sparkle.config.inference import EndpointModel, VariantModel
from sparkle.config.models import EmbeddedModel
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.files import canonical_json
from sparkle.provenance.environment import use_versions_of
from sparkle.provenance.writing import STORE

try:
    # Jobs read the config as it is here: without a file that it extends.
    whole = with_bases(config, [Path(file) for file in workflow.configfiles])
    config.clear()
    config.update(whole)
    EXPERIMENT = Experiment.from_mapping(config)
except SparkleError as error:
    raise WorkflowError(str(error)) from None

RESULTS = EXPERIMENT.config.results
# Steps find the store by this variable, on other machines too.
os.environ[STORE] = os.path.abspath(EXPERIMENT.config.store or "") * bool(
    EXPERIMENT.config.store
)
if os.environ.get("SPARKLE_BIN") and workflow.is_main_process:
    use_versions_of(Path(PYTHON_FOLDER, "python"))
supervise(
    workflow,
    root=Path(CODE),
    results=Path(RESULTS),
    name=EXPERIMENT.config.name,
    read=read_step,
    store=Path(os.environ[STORE]) if os.environ[STORE] else None,
)
EVALUATION_SETS = EXPERIMENT.evaluation_sets
SYNTHETIC_SETS = EXPERIMENT.synthetic_sets
BENCHMARK_SETS = EXPERIMENT.benchmark_sets
TRAINING_SOURCES = EXPERIMENT.training_sources()
SYNTHESIS_JOBS = EXPERIMENT.config.synthesis.jobs
EMBEDDED = [
    m for m in EXPERIMENT.models if isinstance(EXPERIMENT.model(m), EmbeddedModel)
]
PRETRAINED = [m for m in EMBEDDED if EXPERIMENT.model(m).weights == "train"]
SHIPPED = [m for m in EMBEDDED if m not in PRETRAINED]
ENDPOINTS = [
    m for m in EXPERIMENT.models if isinstance(EXPERIMENT.model(m), EndpointModel)
]
VARIANTS = [
    m for m in EXPERIMENT.models if isinstance(EXPERIMENT.model(m), VariantModel)
]
LOCATED = [m for m in EXPERIMENT.models if m not in EMBEDDED + ENDPOINTS + VARIANTS]
REFERENCES = [cell.model for cell in EXPERIMENT.reference_cells()]
ROWS = [cell.folder for cell in EXPERIMENT.reference_cells() + EXPERIMENT.cells()]


pathvars:
    results=RESULTS,


def one_of(names):
    """A wildcard constraint that matches exactly these names."""
    return "|".join(names) or "(?!)"


wildcard_constraints:
    job=r"\d{3}",
    seed=r"\d+",
    model=one_of(EXPERIMENT.models),
    train_set=one_of(EXPERIMENT.train_sets),
    evaluation_set=one_of(EVALUATION_SETS),


def settings(value):
    """Settings of a step as canonical JSON: the same text for the same values."""
    return canonical_json(value.model_dump(mode="json"))


def start_of(wildcards):
    """The weights that a fine-tuning starts from, if they are those of another one."""
    start = EXPERIMENT.start_of(wildcards.train_set)
    folder = f"<results>/models/{wildcards.model}/{start}/seed{wildcards.seed}"
    return f"{folder}/weights" if start else []


def evaluation_files():
    return [f"<results>/data/evaluation/{name}.parquet" for name in EVALUATION_SETS]


def needs(step):
    """Resources of a step from the config. GPUs only where the config gives some."""
    return getattr(EXPERIMENT.config.resources, step)


def memory_of(step):
    """Memory of a step in MB: what the config says, and as much more with every further attempt."""
    return lambda wildcards, attempt: needs(step).memory_mb * attempt


def minutes_of(step):
    """Time of a step: what the config says, and as much more with every further attempt."""
    return lambda wildcards, attempt: needs(step).minutes * attempt


def gpus_of(step):
    """GPUs and nodes of a step, only if it has any: Slurm then places it on GPU nodes."""
    if needs(step).nodes > 1:
        return {"gres": f"gpu:{needs(step).gpus}", "nodes": needs(step).nodes}
    return {"gpu": needs(step).gpus} if needs(step).gpus else {}


def located_settings(model):
    """Settings of a model that is not made here: its name, and where it is."""
    located = {"name": model, "model": EXPERIMENT.model(model).model_dump(mode="json")}
    return canonical_json(located)


def say_done():
    """The last words of a run; of one that was asked for a part only, nothing of the report."""
    page = Path(RESULTS, "report.html")
    if page.exists():
        print(f"\nDone. Open {page}; the numbers are in {RESULTS}/tables/matrix.csv.")


def say_failed():
    print(
        "\nA step failed: its log is printed above and kept under logs/. What is finished is"
    )
    print("kept: mend the cause and run the same command again.")
