# grading/__main__.py, of backprop.py. SPDX-License-Identifier: MIT-0
import os
import sys

if __name__ == "__main__":  # a random.py beside a file is not for NumPy to import
    here = os.path.realpath(os.getcwd())
    sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) != here]
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # matrices this small only wait for a second thread

    from grading.command import END, main

    END(main())  # also where the file has left a thread running
