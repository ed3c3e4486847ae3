import { createApp } from "vue";
import App from "./App.vue";
import { onSignedOut } from "./api/client";
import AwayPage from "./pages/AwayPage.vue";
import { router } from "./router";
import { keepShell } from "./worker";
import { restoreSession, sessionEnded } from "./session";
import "./styles/base.css";

keepShell();
onSignedOut(sessionEnded);
// The first page depends on whether the user is signed in, so restore the session before mounting.
try {
  await restoreSession();
  createApp(App).use(router).mount("#app");
} catch (error) {
  createApp(AwayPage, { problem: (error as Error).message }).mount("#app");
}
