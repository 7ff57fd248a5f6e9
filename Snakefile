# Sparkle: synthesis -> shards -> datasets -> fine-tuning -> inference -> scores -> tables -> report.
# The rules are in rules/, what they run is in sparkle/, what they run it with is in config/.
from snakemake.utils import min_version

min_version("9.13")

if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/models.smk"
include: "rules/training.smk"
include: "rules/inference.smk"
include: "rules/scoring.smk"
include: "rules/report.smk"


report: "rules/captions/workflow.rst"


onstart:
    write_plan(workflow, Path(RESULTS), EXPERIMENT.config.name)


onsuccess:
    say_done()


onerror:
    say_failed()


rule all:
    default_target: True
    input:
        "<results>/tables/matrix.csv",
        "<results>/data/leaks.json",
        "<results>/data/distributions.html",
        "<results>/report.html",
    localrule: True
