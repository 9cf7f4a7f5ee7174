import { useState } from 'preact/hooks';
import { checkStatus } from '../state/gateway.js';
import { announce } from './Announcer.js';

/** What to do about a gateway that has no model. */
export function NoModel() {
  const [asking, setAsking] = useState(false);
  const check = async () => {
    setAsking(true);
    await checkStatus();
    setAsking(false);
    announce('Checked.');
  };
  return (
    <section class="no-model" aria-labelledby="no-model-title">
      <h2 id="no-model-title">No model is connected yet</h2>
      <p class="muted">
        The gateway works and keeps your messages, but has nobody to ask. Connect a model in one of three ways:
      </p>
      <ol>
        <li>
          <h3>With a provider’s key</h3>
          <p>Set one of these where the gateway is started, and start it again. It finds the rest by itself.</p>
          <pre>export ANTHROPIC_API_KEY=…</pre>
          <p class="fine">
            or <code>OPENAI_API_KEY</code>, or <code>GEMINI_API_KEY</code>
          </p>
        </li>
        <li>
          <h3>With a model on this machine</h3>
          <p>
            Run Ollama, llama.cpp, LM Studio or another OpenAI-compatible server, and start the gateway again. It finds
            the server on its usual port.
          </p>
          <pre>ollama run qwen3</pre>
        </li>
        <li>
          <h3>In the configuration</h3>
          <p>
            Name a provider and a model under <code>models</code>. A gateway that runs takes it up by itself.
          </p>
          <pre>{'models:\n  default: openai/gpt-6-luna\n  providers:\n    openai: {apiKey: "…"}'}</pre>
        </li>
      </ol>
      <button type="button" class="button primary" disabled={asking} onClick={() => void check()}>
        {asking ? 'Checking…' : 'Check again'}
      </button>
    </section>
  );
}
