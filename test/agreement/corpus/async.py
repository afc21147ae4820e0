# %% await at the top
import asyncio
await asyncio.sleep(0)

# %% await with a value
async def add(a, b):
    await asyncio.sleep(0)
    return a + b
await add(1, 2)

# %% await on the right of an assignment
total = await add(2, 3)
print(total)

# %% await inside an expression
[await add(n, 1) for n in range(3)], (await add(1, 1)) * 2

# %% await silenced
await add(4, 4);

# %% await in control flow
if await add(0, 0):
    print("never")
else:
    for n in range(await add(1, 1)):
        print("turn", n)

# %% await in an f-string and a call
print(f"{await add(3, 4)=}".replace("await add(3, 4)", "sum"), max(await add(1, 2), 0))

# %% gather keeps the order
async def slow(name, turns):
    for _ in range(turns):
        await asyncio.sleep(0)
    print("done", name)
    return name
await asyncio.gather(slow("a", 3), slow("b", 1))

# %% gather returns exceptions
async def fail(kind):
    await asyncio.sleep(0)
    raise kind("failed")
await asyncio.gather(fail(ValueError), add(1, 1), return_exceptions=True)

# %% gather raises the first
await asyncio.gather(fail(KeyError), add(1, 1))

# %% create_task and await
task = asyncio.create_task(add(10, 20))
print(task.done())
await task
print(task.done(), task.result())

# %% tasks run by turns
log = []
async def worker(name):
    for n in range(2):
        log.append(f"{name}{n}")
        await asyncio.sleep(0)
tasks = [asyncio.create_task(worker(c)) for c in "xy"]
await asyncio.wait(tasks)
log

# %% a task group
async with asyncio.TaskGroup() as group:
    one = group.create_task(add(1, 1))
    two = group.create_task(add(2, 2))
one.result(), two.result()

# %% a task group that fails
async with asyncio.TaskGroup() as group:
    group.create_task(fail(OSError))
    group.create_task(asyncio.sleep(10))

# %% exceptions of a group, caught
try:
    async with asyncio.TaskGroup() as group:
        for kind in (OSError, TypeError):
            group.create_task(fail(kind))
except* OSError as errors:
    print("os", len(errors.exceptions))
except* TypeError as errors:
    print("type", len(errors.exceptions))

# %% async generator and async for
async def ticks(n):
    try:
        for i in range(n):
            yield i
            await asyncio.sleep(0)
    finally:
        print("generator closed")
async for tick in ticks(2):
    print("tick", tick)

# %% async for with else and break
async for tick in ticks(5):
    if tick == 1:
        break
else:
    print("never")
tick

# %% async comprehensions
[t async for t in ticks(3) if t], {t: t * t async for t in ticks(2)}

# %% async generator expression
squares = (t * t async for t in ticks(3))
[s async for s in squares]

# %% asend and aclose
async def echo():
    got = None
    while True:
        got = yield got
e = echo()
await e.asend(None)
print(await e.asend("sent"))
await e.aclose()

# %% anext
it = aiter(ticks(1))
print(await anext(it), await anext(it, "exhausted"))

# %% async iterator class
class Down:
    def __init__(self, n): self.n = n
    def __aiter__(self): return self
    async def __anext__(self):
        if not self.n: raise StopAsyncIteration
        self.n -= 1
        return self.n
print([n async for n in Down(3)])

# %% async context manager class
class Guard:
    async def __aenter__(self):
        print("enter")
        return "guarded"
    async def __aexit__(self, *info):
        print("exit", info[0] and info[0].__name__)
        return True
async with Guard() as g:
    print(g)
    1 / 0

# %% async context manager function
from contextlib import AsyncExitStack, asynccontextmanager
@asynccontextmanager
async def opened(name):
    await asyncio.sleep(0)
    yield name
    print("closed", name)
async with AsyncExitStack() as stack:
    print([await stack.enter_async_context(opened(n)) for n in "pq"])

# %% several async contexts in one statement
async with opened("first") as f, opened("second") as s:
    print(f, s)

# %% awaitable class
class Later:
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return "later"
await Later()

# %% a future
future = asyncio.get_running_loop().create_future()
asyncio.get_running_loop().call_soon(future.set_result, "resolved")
await future

# %% a time limit that is kept
await asyncio.wait_for(add(5, 5), timeout=5)

# %% a time limit that is exceeded
await asyncio.wait_for(asyncio.sleep(30), 0.01)

# %% a timeout block
try:
    async with asyncio.timeout(0.01) as limit:
        await asyncio.sleep(30)
except TimeoutError:
    print("expired", limit.expired())

# %% cancelling a task
sleeper = asyncio.create_task(asyncio.sleep(30))
await asyncio.sleep(0)
sleeper.cancel()
try:
    await sleeper
except asyncio.CancelledError:
    print("cancelled", sleeper.cancelled())

# %% a cancelled error that nobody catches
t = asyncio.create_task(asyncio.sleep(30))
t.cancel("enough")
await t

# %% the session after a cancellation
await add("still ", "here")

# %% shield
inner = asyncio.create_task(add(7, 7))
outer = asyncio.shield(inner)
outer.cancel()
print(await inner, outer.cancelled())

# %% queue between producer and consumer
queue = asyncio.Queue(maxsize=1)
async def produce():
    for item in ("x", "y", None):
        await queue.put(item)
async def consume():
    while (item := await queue.get()) is not None:
        print("consumed", item)
await asyncio.gather(produce(), consume());

# %% event, lock and semaphore
event, lock, limit = asyncio.Event(), asyncio.Lock(), asyncio.Semaphore(2)
async def waiter(n):
    await event.wait()
    async with lock, limit:
        print("woken", n, lock.locked())
waiters = [asyncio.ensure_future(waiter(n)) for n in range(2)]
await asyncio.sleep(0)
event.set()
done, pending = await asyncio.wait(waiters, timeout=5)
len(done), len(pending)

# %% as completed
async def after(delay, value):
    await asyncio.sleep(delay)
    return value
for soonest in asyncio.as_completed([after(0.05, "late"), after(0, "soon")]):
    print(await soonest)

# %% first completed
done, pending = await asyncio.wait(
    {asyncio.create_task(after(0, "quick")), asyncio.create_task(after(30, "never"))},
    return_when=asyncio.FIRST_COMPLETED,
)
for p in pending: p.cancel()
await asyncio.wait(pending)
[d.result() for d in done]

# %% work in a thread
import time
await asyncio.to_thread(sum, range(10))

# %% work in an executor
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(1) as pool:
    print(await asyncio.get_running_loop().run_in_executor(pool, pow, 2, 8))

# %% a subprocess
import sys
child = await asyncio.create_subprocess_exec(
    sys.executable, "-S", "-c", "print(input().upper())",
    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
print((await child.communicate(b"to the child\n"))[0].decode().strip(), child.returncode)

# %% streams
async def serve(reader, writer):
    writer.write((await reader.readline()).swapcase())
    await writer.drain()
    writer.close()
server = await asyncio.start_server(serve, "127.0.0.1", 0)
async with server:
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"Hello\n")
    print(await reader.read())
    writer.close()
    await writer.wait_closed()

# %% an error in an awaited coroutine
print("before")
await fail(LookupError)
print("never")

# %% an error chained through a task
try:
    await asyncio.create_task(fail(ValueError))
except ValueError as error:
    raise RuntimeError("from a task") from error

# %% an error in an async for
async for t in Down(2):
    {}[t]

# %% an async for over what is not async
async for n in [1, 2]:
    pass

# %% await of what is not awaitable
await 3

# %% a coroutine that is awaited twice
coroutine = add(1, 1)
await coroutine
await coroutine

# %% an async function is only defined
async def unused(n: int = 1) -> int:
    """Never called."""
    return await add(n, n)
print(asyncio.iscoroutinefunction(unused), unused.__doc__)

# %% the name of a task
async def me(): return asyncio.current_task().get_name()
await asyncio.create_task(me(), name="mine")

# %% one loop for all cells
loop = asyncio.get_running_loop(); await asyncio.sleep(0)

# %% the same loop in a later cell
await asyncio.sleep(0)
asyncio.get_running_loop() is loop, loop.is_running()

# %% context variables
import contextvars
where = contextvars.ContextVar("where", default="nowhere")
async def inside():
    where.set("inside")
    return where.get()
print(await asyncio.create_task(inside()), where.get())

# %% a context variable set by the awaiting cell
where.set("cell")
await asyncio.sleep(0)
where.get()

# %% underscore holds an awaited value
_ + "!" if await add(True, 0) else None

# %% names assigned in a cell with await are global
async def read(): return [total, tick]
local_name = await read()
"local_name" in globals(), locals() is globals()

# %% await in a nested function that is not async
def wrong():
    return [await add(1, 2)]

# %% await in a lambda
f = lambda: await add(1, 2)

# %% a class body and a decorator with await
def tagged(value):
    def decorate(cls):
        cls.tag = value
        return cls
    return decorate
@tagged(await add("t", "ag"))
class Tagged: pass
Tagged.tag

# %% a default argument that is awaited
def with_default(n=await add(20, 1)): return n
with_default() + await add(with_default(), 0)

# %% try and finally around await
try:
    await add(1, None)
except TypeError as error:
    print(type(error).__name__)
finally:
    print(await add("fin", "ally"))

# %% match on an awaited value
match await add([1], [2, 3]):
    case [first, *rest]:
        print(first, rest)

# %% walrus on await
while (n := await add(n if isinstance(n, int) else 0, 1)) < 3: print("n is", n)

# %% asyncio.run in a cell
asyncio.run(add(1, 5))

# %% the running loop in a cell without await
asyncio.get_running_loop().is_running()

# %% a loop of one's own, in a thread
import threading
def in_thread(): log.append(asyncio.run(add("own ", "loop")))
t = threading.Thread(target=in_thread); t.start(); t.join()
log[-1]
