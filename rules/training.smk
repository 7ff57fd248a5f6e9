# REQUIRED INPUTS: base weights, the dataset of a train set, and proof that it leaks no test scene.
# OUTPUTS: <results>/models/{model}/{train_set}/seed{seed}/weights       a model folder or adapters
#          <results>/models/{model}/{train_set}/seed{seed}/training.csv  the loss curve
#          <results>/models/{model}/{train_set}/seed{seed}/times.json    updates and their time
# STEPS: swift sft, or swift rlhf where the algorithm is grpo; from the base weights, or from those
#   of the train set that `start_from` names. Checkpoints are kept in <results>/work, outside the
#   declared outputs, so that an interrupted run goes on where it stopped.


rule training_finetune:
    input:
        base="<results>/models/{model}/base.json",
        manifest="<results>/data/training/{train_set}/manifest.json",
        data="<results>/data/training/{train_set}/data/part-00000.parquet",
        # Training waits for the check, but another evaluation set does not train anew.
        leaks=ancient("<results>/data/leaks.json"),
        start=start_of,
    output:
        weights=directory("<results>/models/{model}/{train_set}/seed{seed}/weights"),
        curve=report(
            "<results>/models/{model}/{train_set}/seed{seed}/training.csv",
            category="Training",
            labels={
                "model": "{model}",
                "train set": "{train_set}",
                "seed": "{seed}",
            },
            caption="captions/curve.rst",
        ),
        times="<results>/models/{model}/{train_set}/seed{seed}/times.json",
    log:
        "logs/training_finetune/{model}-{train_set}-{seed}.log",
    benchmark:
        "benchmarks/runs/training_finetune/{model}-{train_set}-{seed}.tsv"
    # The longest first: two jobs of unequal length then end closer together.
    priority: 10
    threads: needs("training").threads
    resources:
        **gpus_of("training"),
        mem_mb=memory_of("training"),
        runtime=minutes_of("training"),
    params:
        settings=lambda w: settings(
            EXPERIMENT.finetune(w.model, w.train_set, int(w.seed))
        ),
        gpus=needs("training").gpus,
        nodes=needs("training").nodes,
        dataset=f"{RESULTS}/data/training/{{train_set}}",
        folder=f"{RESULTS}/models/{{model}}/{{train_set}}/seed{{seed}}",
        start=lambda w, input: (
            f"--start {shlex.quote(os.path.dirname(input.start))}"
            if input.start
            else ""
        ),
    shell:
        "exec python -m sparkle finetune --settings {params.settings:q} --base {input.base:q}"
        " --dataset {params.dataset:q} {params.start} --output {params.folder:q}"
        " --work {RESULTS}/work --threads {threads} --gpus {params.gpus}"
        " --nodes {params.nodes} --log {log:q}"
