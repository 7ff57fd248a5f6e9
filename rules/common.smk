# REQUIRED INPUTS: the config (config/config.yaml, or --configfile).
# OUTPUTS: none; defines what the other files use: the checked experiment, the names of its parts,
#   and params that hold just what a job depends on, so that an edit reruns what it affects.
import os
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

from sparkle.cluster.supervise import supervise, write_plan
from sparkle.config.inference import EndpointModel, VariantModel
from sparkle.config.models import EmbeddedModel
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.external.registry import get_benchmark, module_of
from sparkle.files import canonical_json, file_hash, folder_hash
from sparkle.fingerprint import fingerprint
from sparkle.models.shipped import SHIPPED_WEIGHTS

try:
    EXPERIMENT = Experiment.from_mapping(config)
except SparkleError as error:
    raise WorkflowError(str(error)) from None

RESULTS = EXPERIMENT.config.results
supervise(workflow, root=Path(CODE), results=Path(RESULTS), name=EXPERIMENT.config.name)
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


def code_of_tasks(names):
    """Fingerprint of the tasks' modules, which synthesis and scoring import by name."""
    return fingerprint(*(f"sparkle.tasks.{name}" for name in names))


def code_of_sets():
    tasks = {EXPERIMENT.config.evaluation_sets[s].task for s in SYNTHETIC_SETS}
    modules = {code_of_benchmark(s) for s in BENCHMARK_SETS}
    return (code_of_tasks(tasks), *sorted(modules))


def code_of_benchmark(name):
    """Fingerprint of the module that reads a benchmark, which is imported by name."""
    return fingerprint(module_of(EXPERIMENT.benchmark(name).chosen.benchmark))


def files_of_benchmark(name):
    """Hash of the file of questions, so that another file is read anew."""
    settings = EXPERIMENT.benchmark(name)
    benchmark = get_benchmark(settings.chosen.benchmark)
    path = settings.root / (settings.chosen.file or benchmark.file)
    return file_hash(path) if path.is_file() else "none"


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


def shipped_hash(model):
    """Hash of the weights that come with Sparkle, so that new ones rerun what they feed."""
    folder = SHIPPED_WEIGHTS / model
    return folder_hash(folder) if folder.is_dir() else "none"


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
