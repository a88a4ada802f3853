// The form of Workers, Bun and Deno: a Request comes in, a Response goes out.

const visits = new Map();

export default {
  async fetch(request, env, context) {
    const {pathname, searchParams} = new URL(request.url);
    const name = searchParams.get('name') ?? 'stranger';
    if (request.method === 'POST') return Response.json({received: (await request.arrayBuffer()).byteLength}, {status: 201});
    if (pathname === '/home') return Response.redirect(new URL('/', request.url));
    if (pathname === '/count') return new Response(count(request.signal), {headers: {'Content-Type': 'text/plain'}});
    context.waitUntil(remember(name)); // the reply does not wait for it
    return new Response(`${env.GREETING ?? 'Hello'}, ${name}!\n`, {headers: {'Set-Cookie': `name=${encodeURIComponent(name)}`}});
  },
};

async function remember(name) {
  visits.set(name, (visits.get(name) ?? 0) + 1);
  console.log(`${name} was here ${visits.get(name)} times`);
}

/** Counts until nobody listens. */
function count(signal) {
  const encoder = new TextEncoder();
  let number = 0;
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(encoder.encode(`${++number}\n`));
      if (number === 10 || signal.aborted) return controller.close();
      await new Promise(resolve => setTimeout(resolve, 100));
    },
  });
}
