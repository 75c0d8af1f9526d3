/** The three ways to submit a task over HTTP, and where its payload is in each. */
export type Route = { route: string; path: string; wrap: (payload: string) => string; at: string };

/** The routes of example.echo; `wrap` takes and gives JSON text, so that it can hold what JSON.stringify can't. */
export const ECHO_ROUTES: Route[] = [
  {
    route: 'the path of the task',
    path: '/v1/tasks/example.echo',
    wrap: (payload) => `{"payload":${payload}}`,
    at: '/body/payload',
  },
  {
    route: 'the name in the body',
    path: '/v1/tasks',
    wrap: (payload) => `{"name":"example.echo","payload":${payload}}`,
    at: '/body/payload',
  },
  {
    route: 'an item of a batch',
    path: '/v1/tasks/example.echo/batch',
    wrap: (payload) => `{"items":[{"payload":{"message":"fine"}},{"payload":${payload}}]}`,
    at: '/body/items/1/payload',
  },
];
