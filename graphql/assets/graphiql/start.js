// The page's own part: where to ask, and what stands in the editor at first.
const socket = new URL('/graphql', location.href);
socket.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
const query = `# Dán mã truy cập vào thẻ Headers: {"Authorization": "Bearer …"}
# Paste a token into the tab Headers.
{
  viewer { person { name } posts { title role } }
  workList(first: 10) {
    edges { node { kindLabel(lang: VI) states bindingDueAt document { code stageLabel(lang: VI) } } }
  }
}
`;
ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: '/graphql', subscriptionUrl: socket.href }),
    defaultQuery: query,
    defaultHeaders: '{"Authorization": "Bearer "}',
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }),
);
