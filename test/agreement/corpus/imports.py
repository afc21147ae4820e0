# %% numpy: linear algebra
import numpy as np
A = np.array([[4.0, 1.0], [2.0, 3.0]])
np.linalg.eigvals(A).round(6), np.linalg.det(A).round(6)

# %% numpy: solving
b = np.array([1.0, 2.0])
x = np.linalg.solve(A, b)
print(x, np.allclose(A @ x, b))

# %% numpy: random numbers with a seed
rng = np.random.default_rng(42)
sample = rng.normal(loc=10, scale=2, size=200)
print(sample.mean().round(4), sample.std(ddof=1).round(4), rng.integers(0, 10, 5))

# %% numpy: broadcasting and masks
grid = np.arange(3)[:, None] * np.arange(4)
grid[grid % 2 == 1] = -1
grid

# %% numpy: sorting and counting
values, counts = np.unique([3, 1, 3, 2, 1, 3], return_counts=True)
dict(zip(values.tolist(), counts.tolist())), np.argsort([3, 1, 2]), np.bincount([0, 2, 2])

# %% numpy: einsum, fft and polynomials
print(np.einsum("ij,j->i", A, b), np.abs(np.fft.rfft([1, 0, -1, 0])))
np.polynomial.Polynomial([1, 2]).roots(), np.polyval([1, 0, -1], 3)

# %% numpy: saving and loading
import io
with io.BytesIO() as file:
    np.savez_compressed(file, a=A, b=b)
    file.seek(0)
    with np.load(file) as loaded:
        print(sorted(loaded.files), loaded["a"].sum())

# %% numpy: text files
np.loadtxt(io.StringIO("# x y\n1 2\n3 4\n"), dtype=int, comments="#").T

# %% numpy: an error of shapes
np.ones((2, 3)) @ np.ones((2, 3))

# %% numpy: a singular matrix
np.linalg.inv(np.zeros((2, 2)))

# %% pandas: reading csv
import pandas as pd
text = """city,year,people
Rome,2000,2.6
Rome,2010,2.7
Oslo,2000,0.5
Oslo,2010,0.6
"""
cities = pd.read_csv(io.StringIO(text), dtype={"year": "int32"})
print(cities.shape, cities.dtypes["year"], cities["city"].unique().tolist())

# %% pandas: pivot
cities.pivot(index="city", columns="year", values="people")

# %% pandas: grouped summary
cities.groupby("city", sort=True)["people"].agg(["min", "max"]).assign(grown=lambda d: d["max"] / d["min"] - 1).round(3)

# %% pandas: merge
countries = pd.DataFrame([("Rome", "it"), ("Oslo", "no")], columns=["city", "country"])
cities.merge(countries, on="city", how="left", validate="many_to_one").query("year == 2010 and people < 1")

# %% pandas: melt, sort and rank
wide = pd.DataFrame({"id": [1, 2], "a": [3, 4], "b": [6, 5]})
long = wide.melt("id", var_name="which").sort_values(["which", "id"], ascending=[False, True])
long.assign(rank=long["value"].rank(pct=True)).reset_index(drop=True)

# %% pandas: time series
days = pd.Series(range(10), index=pd.date_range("2024-01-01", periods=10, freq="D"))
print(days.resample("W").sum())
days.rolling(window=3).mean().dropna().iloc[[0, -1]].tolist(), days["2024-01-03":"2024-01-04"].sum()

# %% pandas: strings and categories
names = pd.Series(["Ada Lovelace", "Alan Turing", None])
print(names.str.split(" ").str[-1].fillna("?").tolist(), names.isna().sum())
pd.crosstab(cities["city"], cities["year"] > 2005).values.tolist()

# %% pandas: apply and cumulative sums
wide.set_index("id").apply(np.cumsum, axis="columns").loc[2].to_dict()

# %% pandas: json and round trips
back = pd.read_json(io.StringIO(cities.to_json(orient="records")))
back.equals(pd.DataFrame(cities.to_dict("list"))), cities.to_csv(index=False).count("\n")

# %% pandas: a missing column
cities["mayor"]

# %% pandas: a missing label
cities.loc[99, :]

# %% pandas: a value that is not a number
pd.to_numeric(pd.Series(["1", "two"]), errors="raise")

# %% scipy: statistics
from scipy import stats
t = stats.ttest_ind([1, 2, 3, 4], [3, 4, 5, 6], equal_var=False)
print(f"{t.statistic:.4f} {t.pvalue:.4f}", stats.norm.ppf([0.025, 0.5]).round(3))

# %% scipy: optimisation
from scipy import optimize
found = optimize.minimize(lambda p: (p[0] - 1) ** 2 + (p[1] + 2) ** 2, x0=[0, 0], method="BFGS")
found.success, found.x.round(3), round(optimize.brentq(np.cos, 0, 3), 6)

# %% scipy: curve fitting
def model(t, a, k):
    return a * np.exp(-k * t)
times = np.linspace(0, 4, 9)
(a, k), covariance = optimize.curve_fit(model, times, model(times, 2.5, 1.3), p0=(1, 1))
round(a, 3), round(k, 3), covariance.shape

# %% scipy: integration
from scipy.integrate import quad, solve_ivp
area, error = quad(np.sin, 0, np.pi)
way = solve_ivp(lambda t, y: -y, (0, 1), [1.0], rtol=1e-8)
print(round(area, 9), error < 1e-9, way.status, way.y[0, -1].round(5))

# %% scipy: interpolation and signals
from scipy import interpolate, signal
spline = interpolate.CubicSpline([0, 1, 2], [0, 1, 4], bc_type="natural")
peaks, _ = signal.find_peaks([0, 2, 1, 3, 0])
float(spline(1.5).round(4)), peaks

# %% scipy: sparse matrices and distances
from scipy import sparse, spatial
s = sparse.csr_matrix(([1.0, 2.0], ([0, 1], [1, 2])), shape=(3, 3))
print(s.nnz, s.toarray().sum(axis=0), spatial.distance.cdist([[0, 0]], [[3, 4]])[0, 0])

# %% scipy: special functions and constants
from scipy.special import comb, gamma
import scipy.constants
comb(5, 2, exact=True), gamma(5.0), scipy.constants.c

# %% scipy: a failed bracket
optimize.bisect(lambda v: v * v + 1, -1, 1)

# %% matplotlib: without a figure
import matplotlib
from matplotlib import colors, cm, dates, ticker
colors.to_hex("tab:orange"), ticker.MaxNLocator(nbins=4).tick_values(0, 10).tolist()

# %% matplotlib: geometry
from matplotlib.path import Path
triangle = Path([(0, 0), (1, 0), (0, 1)], closed=False)
triangle.contains_points([(0.2, 0.2), (0.9, 0.9)]).tolist()

# %% matplotlib: one figure
import matplotlib.pyplot as plt
cities.plot(kind="barh", x="city", y="people", ax=plt.gca())
plt.tight_layout()

# %% seaborn: palette and themes
import seaborn as sns
sns.color_palette("deep", n_colors=2).as_hex()[:1], sorted(sns.axes_style("whitegrid"))[0]

# %% seaborn: one figure of a regression
shown = sns.regplot(x=times, y=times * 2 + np.sin(times), ci=None)
shown.get_lines()[0].get_xdata().shape

# %% plotly: data of a figure
import plotly.express as px
import plotly.graph_objects as go
bars = px.bar(cities, x="city", y="people", color="year", barmode="group")
bars.data[0].type, bars.layout.xaxis.title.text, len(bars.data)

# %% plotly: a figure written as json
import json
chart = go.Figure([go.Scatter(x=[1, 2], y=[3, 4], mode="lines", name="line")])
chart.update_layout(title_text="title", showlegend=False)
print(sorted(json.loads(chart.to_json())), chart.layout.title.text)

# %% plotly: an unknown property
go.Scatter(x=[1], colour="red")

# %% scikit-learn: regression
from sklearn.linear_model import LinearRegression
X = np.array([[1.0], [2.0], [3.0]])
line = LinearRegression().fit(X, [2.0, 4.0, 6.0])
line.coef_.round(6), round(float(line.intercept_), 6), line.predict([[4.0]]).round(6)

# %% scikit-learn: an estimator as the value
from sklearn.linear_model import Ridge
Ridge(alpha=0.5)

# %% scikit-learn: classification of iris
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score, train_test_split
data = load_iris(as_frame=True)
train_x, test_x, train_y, test_y = train_test_split(data.data, data.target, random_state=0, stratify=data.target)
forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(train_x, train_y)
print(data.target_names, test_x.shape, forest.score(test_x, test_y) > 0.8)

# %% scikit-learn: a pipeline
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
pipeline = make_pipeline(MinMaxScaler(), SVC(kernel="linear"))
scores = cross_val_score(pipeline, data.data, data.target, cv=3)
[name for name, step in pipeline.steps], len(scores), scores.min() > 0.9

# %% scikit-learn: clusters and components
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
labels = KMeans(n_clusters=2, n_init=1, random_state=0).fit_predict([[0, 0], [0, 1], [9, 9], [9, 8]])
print(labels[0] == labels[1] != labels[2], PCA(1).fit(data.data).explained_variance_ratio_.round(3))

# %% scikit-learn: metrics
from sklearn import metrics
print(metrics.classification_report([0, 1, 1, 0], [0, 1, 0, 0], zero_division=0))
metrics.confusion_matrix([0, 1, 1], [0, 1, 0])

# %% scikit-learn: not fitted
KMeans(n_clusters=3).predict([[1.0, 2.0]])

# %% scikit-learn: text to numbers
from sklearn.feature_extraction.text import CountVectorizer
bag = CountVectorizer(stop_words=["the"])
bag.fit_transform(["the cat", "the cat and the dog"]).toarray().tolist(), bag.get_feature_names_out().tolist()

# %% statsmodels: least squares
import statsmodels.api as sm
design = sm.add_constant(np.arange(8.0))
fit = sm.OLS(np.array([1.1, 2.9, 5.2, 7.1, 8.8, 11.2, 13.1, 14.9]), design).fit()
print(fit.params.round(3), round(fit.rsquared, 4), fit.nobs)

# %% statsmodels: the table of coefficients
fit.summary().tables[1]

# %% statsmodels: formulas
import statsmodels.formula.api as smf
by_formula = smf.ols("people ~ C(city) + year", data=cities).fit()
by_formula.params.index.tolist(), by_formula.df_resid

# %% statsmodels: time series
from statsmodels.tsa.stattools import acf
acf(np.sin(np.arange(40) / 3), nlags=2, fft=True).round(3)

# %% statsmodels: a formula with an unknown name
smf.ols("people ~ mayor", data=cities)

# %% standard library: many at once
import argparse, bisect, collections, configparser, heapq, operator, random, secrets, shutil, sqlite3, urllib.parse, zipfile
random.seed(1); bisect.bisect([1, 3, 5], 3), heapq.nsmallest(2, [3, 1, 2]), operator.itemgetter(1)("ab")

# %% standard library: a database in memory
with sqlite3.connect(":memory:") as db:
    db.execute("create table t (n integer, s text)")
    db.executemany("insert into t values (?, ?)", [(1, "a"), (2, "b")])
    print(db.execute("select sum(n), group_concat(s) from t").fetchone())
db.close()

# %% pandas and sqlite together
with sqlite3.connect(":memory:") as db:
    cities.to_sql("cities", db, index=False)
    print(pd.read_sql_query("select city, max(people) as most from cities group by city order by 1", db))
db.close()

# %% standard library: archives
with io.BytesIO() as raw:
    with zipfile.ZipFile(raw, mode="w") as archive:
        archive.writestr("in/side.txt", "text")
    print(zipfile.ZipFile(raw).namelist())
urllib.parse.urlencode({"q": "a b", "n": 1}), urllib.parse.urlsplit("http://h:8/p?x#f").port

# %% standard library: arguments that do not parse
argparse.ArgumentParser(prog="tool").parse_args(["--unknown"])

# %% a module reloaded
import importlib, sys
importlib.reload(json) is sys.modules["json"], importlib.util.find_spec("no_such_module_here")

# %% an optional import
try:
    import no_such_optional_module as optional
except ImportError as missing:
    optional = None
    print(missing.name, type(missing).__name__)

# %% all names of a module
from string import *
ascii_lowercase[:3], digits, capwords("some words")

# %% a sub-module by attribute
import xml.etree.ElementTree as ET, email.message
root = ET.fromstring("<r><c n='1'/><c n='2'/></r>")
[c.get("n") for c in root.findall("c")], email.message.Message().is_multipart()

# %% versions are texts
[isinstance(m.__version__, str) for m in (np, pd, matplotlib, sns)], callable(np.show_config)

# %% the modules work together
table = pd.DataFrame({"y": sample[:50], "x": np.arange(50)})
slope = stats.linregress(table["x"], table["y"]).slope
same = sm.OLS(table["y"], sm.add_constant(table["x"])).fit().params["x"]
also = LinearRegression().fit(table[["x"]], table["y"]).coef_[0]
bool(np.isclose(slope, same) and np.isclose(same, also))
