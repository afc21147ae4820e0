# %% one plot without show
import matplotlib.pyplot as plt
import numpy as np
x = np.linspace(0, 1, 5)
plt.plot(x, x ** 2);

# %% pyplot has forgotten it
plt.get_fignums() + plt.get_figlabels()

# %% no figure at all
print("text only", plt.get_fignums())

# %% one plot with show
plt.bar(["a", "b"], [1, 2])
plt.title("with show")
plt.show()

# %% show without a figure
plt.show(block=False)

# %% two figures in one run
for n in range(2):
    plt.figure()
    plt.plot([n, n + 1])

# %% show in a loop
for n in range(3):
    plt.plot([n])
    plt.show()

# %% a figure shown and one left open
plt.plot([1, 2])
plt.show()
plt.plot([2, 1])
print(plt.get_fignums())

# %% subplots
fig, axes = plt.subplots(2, 2, sharex=True, figsize=(4, 3))
for ax, power in zip(axes.flat, range(4)):
    ax.plot(x, x ** power)
fig.tight_layout()

# %% the object of a captured figure stays usable
axes[0, 0].set_title("later")
len(fig.axes), axes.shape

# %% a figure captured before is the last value
axes[0, 0].figure

# %% an open figure is the last value
fig, ax = plt.subplots()
ax.scatter(x, x)
fig

# %% a captured figure is drawn upon but not shown again
ax.plot(x, -x);

# %% a captured figure is not one of pyplot any more
print(ax.get_xlabel() == "", plt.fignum_exists(fig.number))

# %% twin axes
fig, left = plt.subplots()
left.plot(x, color="tab:blue")
right = left.twinx()
right.plot(1 - x, color="tab:red")
print(len(fig.axes))

# %% three dimensions
ax = plt.figure().add_subplot(projection="3d")
X, Y = np.meshgrid(x, x)
surface = ax.plot_surface(X, Y, X * Y)

# %% pie
plt.pie([1, 2, 3], labels=list("abc"), autopct="%d%%")
None

# %% histogram with its counts
counts, edges, patches = plt.hist([1, 1, 2, 3, 3, 3], bins=3)
counts.tolist()

# %% polar
fig, ax = plt.subplots(subplot_kw={"projection": "polar"})
ax.plot(2 * np.pi * x, x)
ax.grid(True)

# %% image and colour bar
plt.imshow(np.arange(16).reshape(4, 4), cmap="viridis", origin="lower")
plt.colorbar()
plt.axis("off")

# %% contours
c = plt.contour(X, Y, X + Y, levels=[0.5, 1, 1.5])
plt.clabel(c)
len(c.levels)

# %% error bars, filling and text
plt.errorbar(x, x, yerr=0.1, fmt="o")
plt.fill_between(x, x - 0.2, x + 0.2, alpha=0.3)
plt.annotate("here", (0.5, 0.5), xytext=(0.2, 0.8), arrowprops={"arrowstyle": "->"})
plt.text(0, 1, r"$\alpha^2$")
plt.show()

# %% log scales, limits and legend
plt.loglog([1, 10, 100], [1, 100, 10000], label="square")
plt.xlim(1, 100), plt.legend(loc="upper left")
print([t.get_text() for t in plt.gca().get_legend().get_texts()])

# %% a figure closed by the user
plt.plot([1])
plt.close()

# %% all figures closed by the user
for n in range(3): plt.figure().add_subplot().plot([n])
plt.close("all")

# %% one of two closed
first, second = plt.figure(), plt.figure()
first.add_subplot(); second.add_subplot()
plt.close(first)

# %% saved and closed
import io
buffer = io.BytesIO()
plt.plot([3, 1, 2])
plt.savefig(buffer, format="png")
plt.close()
buffer.getvalue()[1:4]

# %% saved and left open
plt.plot([3, 1, 2])
plt.savefig(buffer, format="svg")

# %% a figure without axes
empty = plt.figure(figsize=(1, 1));

# %% a figure whose axes were cleared
plt.plot([1, 2])
plt.clf()

# %% axes that were cleared
plt.plot([1, 2])
plt.gca().clear()

# %% a figure made without pyplot
from matplotlib.figure import Figure
own = Figure(figsize=(2, 2))
own.subplots().plot([1, 2]);

# %% a figure made without pyplot as the value
own.get_axes()[0].figure

# %% a figure in a function
def draw(values):
    fig, ax = plt.subplots()
    ax.plot(values)
    return fig
result = draw([1, 2])

# %% an error after a plot
plt.plot([1, 2, 3])
raise ValueError("after the plot")

# %% an error while plotting
plt.plot([1, 2, 3], [1, 2])

# %% the cell after errors
plt.get_fignums() == []

# %% figures with numbers and names
plt.figure("named").add_subplot()
plt.figure(7).add_subplot()
plt.figure("named")
plt.get_figlabels(), plt.get_fignums()[-1]

# %% interactive mode off
plt.ioff()
plt.plot([5, 6]);

# %% interactive mode on again
plt.ion()
plt.close("all")

# %% a style
with plt.style.context("ggplot"):
    plt.step(x, x)

# %% a run-time parameter
with plt.rc_context({"figure.figsize": (3, 2), "axes.grid": True}):
    fig = plt.figure()
    plt.stem(x)
fig.get_size_inches().tolist()

# %% plots of pandas
import pandas as pd
df = pd.DataFrame({"g": list("aabb"), "v": [1, 2, 3, 4], "w": [2, 1, 4, 3]})
ax = df.plot(x="v", y="w", title="frame")
type(ax).__name__

# %% pandas with subplots and groups
df.plot(subplots=True, layout=(1, 2), kind="box")
df.groupby("g")["v"].plot(legend=True);

# %% histograms and scatter of pandas
df.hist(column="v", by="g");
df.plot.scatter("v", "w", c="v", colormap="plasma");

# %% seaborn on axes
import seaborn as sns
fig, (one, two) = plt.subplots(ncols=2)
sns.histplot(data=df, x="v", hue="g", ax=one)
sns.boxplot(data=df, x="g", y="w", ax=two)
print(one.get_xlabel(), two.get_ylabel())

# %% seaborn figure-level
grid = sns.relplot(data=df, x="v", y="w", col="g", height=2)
[ax.get_title() for ax in grid.axes.flat]

# %% seaborn heat map with a theme
with sns.axes_style("white"):
    sns.heatmap(df[["v", "w"]].corr(), annot=True, cbar=False)

# %% seaborn pairs
sns.pairplot(df, vars=["v", "w"], height=1.2);

# %% seaborn objects
import seaborn.objects as so
so.Plot(df, x="v", y="w").add(so.Line()).plot(pyplot=True);

# %% statsmodels plot
import statsmodels.api as sm
fig = sm.qqplot(np.array([0.1, -0.4, 1.2, 0.3, -1.0]), line="s")
plt.show()

# %% statsmodels autocorrelation
from statsmodels.graphics.tsaplots import plot_acf
fig, ax = plt.subplots(1, 1)
plot_acf(np.sin(np.arange(30)), lags=5, ax=ax);

# %% scikit-learn plot
from sklearn.metrics import ConfusionMatrixDisplay
shown = ConfusionMatrixDisplay.from_predictions([0, 1, 1], [0, 1, 0])
shown.confusion_matrix.tolist()

# %% scipy plot
from scipy.cluster.hierarchy import dendrogram, linkage
tree = dendrogram(linkage(np.array([[0.0], [1], [5], [6.5]]), "single"))
tree["ivl"]

# %% an animation drawn once
from matplotlib.animation import FuncAnimation
fig, ax = plt.subplots()
(line,) = ax.plot([], [])
animation = FuncAnimation(fig, lambda frame: line.set_data([0, frame], [0, 1]), frames=2)
animation._draw_was_started = True

# %% figures before and after output
print("above")
plt.plot([0, 1]); plt.show()
print("below")
plt.plot([1, 0])
"value"

# %% fig.show
fig = plt.figure()
fig.add_subplot(111, title="shown by itself")
fig.show()

# %% a list of lines as the value
plt.plot([1, 2], [3, 4])

# %% axes as the value
plt.subplots()[1].set(xlim=(0, 2))

# %% the figure of a later run
fig2, ax2 = plt.subplots(num="kept", clear=True)
plt.close(fig2)
ax2.plot([1, 2]);

# %% mosaic and constrained layout
fig, axd = plt.subplot_mosaic("AB;CC", layout="constrained")
axd["C"].barh(["x", "y"], [2, 3])
sorted(axd)

# %% nested figures
outer = plt.figure()
inner = outer.subfigures(1, 2)
for sub in inner: sub.subplots().plot([1])
