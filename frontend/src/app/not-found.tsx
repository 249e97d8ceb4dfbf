export default function NotFound() {
  return (
    <main className="lost">
      <h1>There is nothing here.</h1>
      <a href="/">To the chat</a>
    </main>
  );
}
