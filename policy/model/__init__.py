"""The vocabulary that everything else may import: resources, executions, cluster, decision."""
