"""Why a job, a queue, a schedule or a user is where it is. Facts go in (console/store/facts gathers them), reasons come out."""
