/** The contenders' names, as the table shows them. */
export const ECHO = 'raw ZeroMQ echo'
export const OURS = 'this project'
export const IPYKERNEL = 'ipykernel (jupyter_client)'
