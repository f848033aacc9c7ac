"""The shell around the simulator: reads workloads, plays policies side by side, reports."""
