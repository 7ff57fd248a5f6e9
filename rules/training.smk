# REQUIRED INPUTS: base weights, the dataset of a train set, and proof that it leaks no test scene.
# OUTPUTS: <results>/models/{model}/{train_set}/seed{seed}/weights       a model folder or adapters
#          <results>/models/{model}/{train_set}/seed{seed}/training.csv  the loss curve
# STEPS: swift sft, or swift rlhf where the algorithm is grpo; from the base weights, or from those
#   of the train set that `start_from` names. Checkpoints are kept in <results>/work, outside the
#   declared outputs, so that an interrupted run goes on where it stopped.
