# %% a command of the shell
!echo one; echo two

# %% a command with an expression, a variable and a part of it
text, table = "w o r d", {"k": [5, 7]}
!printf '%s\n' "{text.upper()}" $text "{table['k'][1] * 2}"

# %% an expression with a format
number = 2 / 3
!echo {number:.2f} {number}

# %% a variable of the shell beside one of Python
text = "python"
!other=shell; echo $text $other

# %% a dollar that is escaped, and one in quotes
text = "python"
!text=shell; echo $$text '$text' "$text"

# %% braces that are the shell's
!echo 'a b' | awk '{print $2}'

# %% an attribute by its dollar
import types
box = types.SimpleNamespace(inner=types.SimpleNamespace(n=3))
!echo $box.inner.n

# %% the output of a command
lines = !printf 'b\na\n'
lines, len(lines), lines.n, lines.s

# %% a question
def tell_more():
    """Tell more."""
tell_more?

# %% a command's lines as the value
!!printf '1\n2\n'

# %% several targets of a command
first, second = !printf 'x\ny\n'
first + second

# %% a target in a dictionary, and one that is an attribute
kept = {}
kept["out"] = !echo in
box.out = !echo attribute
kept["out"] + box.out

# %% a command in a loop in a function
def show(names):
    for name in names:
        !echo "name: {name}"
    answer = !echo {len(names)}
    return answer[0]
show(["p", "q"])

# %% the exit code of a command
!exit 7
print(_exit_code)
!true
_exit_code

# %% a command that goes on in the next line
!echo one \
   two
print("three")

# %% no command in a string, brackets or a comment
value = """
!echo no
%pwd
"""
# !echo no
parts = [
    7
    %5, "!no"]
!echo yes
value, parts

# %% a command between decorators and strings
def same(f):
    '''
    %cd nowhere
    '''
    return f
@same
def doubled(n):
    return n * 2
number = doubled(4)
!echo {number}

# %% the current directory
import os
before = os.getcwd()
%cd /
%pwd

# %% back to the directory before
%cd -q -
os.getcwd() == before

# %% a variable of the environment
%env COLOUR=green
os.environ["COLOUR"]

# %% a variable of the environment is the value
%env COLOUR

# %% a file
%%writefile module_of_test.py
"""A module."""
answer = 42

# %% a file, again
%%writefile module_of_test.py
def reply():
    return "re: " + answer
answer = "a"

# %% more for a file
%%writefile -a module_of_test.py
print("run as", __name__)

# %% a file is run
%run module_of_test.py
reply(), answer

# %% a script
%%bash
for i in 1 2; do
    echo $i
done
cat

# %% a script that fails
%%bash
echo before
false

# %% a script of sh
%%sh
echo "$0" | sed 's/.*sh/sh/'

# %% captured output
%%capture caught
!echo written
print("printed")
"shown"

# %% what was captured
caught.stdout[-8:], len(caught.outputs)

# %% captured output is shown again
print("again:"), caught.show();

# %% a timed value
%%capture
timed = %time sum(range(10))

# %% the value that was timed
timed + 1

# %% timing a loop
%%capture
%timeit -n 2 -r 2 unknown = 5

# %% what is timed in a loop is not kept
unknown and unknown

# %% a timed cell has its variables
%%capture
%%time
counted = 3
counted += 4

# %% the variables of a timed cell
counted, counted * 2

# %% settings without effect
%matplotlib inline
%config InlineBackend.figure_format = "png"
%load_ext autoreload
%autoreload 0

# %% a figure in a cell with a magic
%matplotlib inline
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.show()

# %% a captured figure
%%capture
plt.plot([3, 4])

# %% a magic that is not known
print("not run")
%no_such_magic

# %% a magic of cells that is not known
%%no_such_magic
1

# %% an error in a line with a magic
%%capture
%time 1 / 0

# %% an error in the syntax beside a command
!echo not run
x = = 1

# %% an await that is timed
%%capture
import asyncio
%time slept = await asyncio.sleep(0, "slept")

# %% what was awaited
slept.upper() + slept

# %% leading blank lines before a magic


!echo below $text
