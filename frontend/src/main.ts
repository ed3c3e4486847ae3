import { createApp } from "vue";
import App from "./App.vue";
import { onSignedOut } from "./api/client";
import AwayPage from "./pages/AwayPage.vue";
import { router } from "./router";
import { restoreSession, sessionEnded } from "./session";
import "./styles/base.css";

onSignedOut(sessionEnded);
// Who is signed in decides which page comes first, so it is asked before anything is shown.
try {
  await restoreSession();
  createApp(App).use(router).mount("#app");
} catch (error) {
  createApp(AwayPage, { problem: (error as Error).message }).mount("#app");
}
