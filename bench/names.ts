/** The contenders' names, as the table shows them. */
export const ECHO = 'raw ZeroMQ echo'
export const MESSAGE = 'raw ZeroMQ message, not copied'
export const OURS = 'this project'
export const IPYKERNEL = 'ipykernel (jupyter_client)'
export const PYODIDE = 'Pyodide (npm)'

/** With what a data-science session needs: numpy, pandas and matplotlib.pyplot. */
export const OURS_LOADED = `${OURS}, forked, pandas and matplotlib loaded`
export const IPYKERNEL_LOADED = 'ipykernel, pandas and matplotlib imported'
