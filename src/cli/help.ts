/** What `--help` prints, for the tool and for each of its commands. */

export const MAIN_HELP = `Usage: python-interpreter-toolset COMMAND

Commands:
  setup [DIR]   make a virtual environment with pyzmq and the data-science set
  run FILE|-    run Python code from a file, or from the standard input
  mcp           serve Python to clients of the Model Context Protocol
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

export const MCP_HELP = `Usage: python-interpreter-toolset mcp [options]

Serves the tools run_python_code and manage_interpreters, and the files of the working directory, to
clients of the Model Context Protocol: to one on the standard input and output, until it closes
them; or, with --port, to any number over Streamable HTTP, each with a session of its own. Needs the
package @modelcontextprotocol/server.

  --python X    an executable, a command or a virtual environment
                (default: $VIRTUAL_ENV, then D/.venv, then python3 on the PATH)
  --workdir D   the directory to run in (default: the current one)
  --sandbox     put walls around each session: no network, no files but D
  --tier T      limits of each session: small, medium or large (default: none)
  --timeout MS  end a run after so many milliseconds; 0 for never (default: 120000)
  --idle MS     end a session that is idle for so long; 0 for never
                (default: 1800000 with --port, else 0)
  --port N      serve http://127.0.0.1:N/mcp; 0 for any port that is free
  --host H      the address to listen on (default: 127.0.0.1)
  --token T     the bearer token that clients must send, of 16 characters or more; required
                where others than this machine can reach H
                (default: $PYTHON_INTERPRETER_TOKEN, which other users cannot see)
`

export const DOCTOR_HELP = `Usage: python-interpreter-toolset doctor [--python X] [--workdir D]

Says which Python would be used and why, and which packages it has. The exit code is 0 if all that
running code needs is there, 2 for a command line that is wrong, else 1.

  --python X    an executable, a command or a virtual environment
                (default: $VIRTUAL_ENV, then D/.venv, then python3 on the PATH)
  --workdir D   the working directory (default: the current one)
`
