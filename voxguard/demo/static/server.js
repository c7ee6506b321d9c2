// Talks to the server, which lives below the address that holds the token.

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(`api/${path}`, body === undefined ? {} : { method: "POST", body });
  } catch {
    throw new Refused(0, "The server does not answer; is voxguard demo still running?");
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, said.error ?? `the server answered with status ${answer.status}`);
}
