import { createApp } from "vue";
import App from "./App.vue";
import { onSignedOut } from "./api/client";
import { router } from "./router";
import { restoreSession, sessionEnded } from "./session";
import "./styles/base.css";

onSignedOut(sessionEnded);
// Who is signed in decides which page comes first, so it is asked before anything is shown.
await restoreSession();
createApp(App).use(router).mount("#app");
