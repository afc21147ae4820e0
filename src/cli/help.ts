/** What `--help` prints, for the tool and for each of its commands. */

export const MAIN_HELP = `Usage: python-interpreter-toolset COMMAND

Commands:
  setup [DIR]   make a virtual environment with pyzmq and the data-science set
  run FILE|-    run Python code from a file, or from the standard input
  doctor        say what is found and what is missing

Options:
  --help        this text, or after a command its own
  --version     the version of this package
`

export const SETUP_HELP = `Usage: python-interpreter-toolset setup [DIR] [--python X] [--requirements FILE]

Makes the virtual environment DIR (.venv by default) with pyzmq, numpy, pandas, scipy, matplotlib,
seaborn, plotly, scikit-learn and statsmodels, or adds to an existing one what it lacks. Uses uv if
it is installed, else venv and pip.

  --python X            the Python to make it from: a path or a command (default: python3)
  --requirements FILE   install what this requirements file lists, too
`

export const RUN_HELP = `Usage: python-interpreter-toolset run FILE|- [--python X] [--workdir D] [--timeout MS]

Runs the code as one run of a session, and prints its output as it comes. Figures are written to
D/.matplotlib_figs and named on the standard error. The exit code is 0 if the code ran to its end, 2
for a command line that is wrong, else 1.

  --python X    an executable, a command or a virtual environment
                (default: $VIRTUAL_ENV, then D/.venv, then python3 on the PATH)
  --workdir D   the directory to run in (default: the current one)
  --timeout MS  end the run after so many milliseconds; 0 for never (default: 120000)
`

export const DOCTOR_HELP = `Usage: python-interpreter-toolset doctor [--python X] [--workdir D]

Says which Python would be used and why, and which packages it has. The exit code is 0 if all that
running code needs is there, 2 for a command line that is wrong, else 1.

  --python X    an executable, a command or a virtual environment
                (default: $VIRTUAL_ENV, then D/.venv, then python3 on the PATH)
  --workdir D   the working directory (default: the current one)
`
