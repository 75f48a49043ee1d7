"""What importing the package costs the processes of Airflow, which all import it.

Budget: the package alone 20 ms and no Airflow; the operators 30 ms beyond ``airflow.sdk``. Each figure is the best of
several new processes, all of one run.
"""

from __future__ import annotations

import subprocess
import sys

ROUNDS = 7
CASES = (
    ("import airflow_provider_exotel", "pass", "import airflow_provider_exotel", 20),
    ("operators after airflow.sdk", "import airflow.sdk", "import airflow_provider_exotel.operators.campaign", 30),
)
PROGRAM = """
import sys, time
{before}
known, began = set(sys.modules), time.perf_counter()
{statement}
took = time.perf_counter() - began
new = set(sys.modules) - known
print("COST", took * 1000, len(new), "airflow" in new)
"""


def main() -> None:
    """Measure and print; exit with an error if a budget is passed."""
    over = False
    for title, before, statement, budget in CASES:
        costs = [measure(before, statement) for _ in range(ROUNDS)]
        milliseconds, modules, airflow = min(costs)
        print(f"{title:32} {milliseconds:6.1f} ms  (budget {budget} ms), {modules:.0f} modules, Airflow: {airflow}")
        over |= milliseconds > budget or airflow
    sys.exit(over)


def measure(before: str, statement: str) -> tuple[float, int, bool]:
    """Return milliseconds, modules loaded, and whether Airflow is among them, of one new process."""
    program = PROGRAM.format(before=before, statement=statement)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    line = next(line for line in run.stdout.splitlines() if line.startswith("COST "))
    _, took, modules, airflow = line.split()
    return float(took), int(modules), airflow == "True"


if __name__ == "__main__":
    main()
