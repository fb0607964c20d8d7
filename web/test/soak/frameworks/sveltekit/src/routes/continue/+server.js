import { json } from "@sveltejs/kit";
import { continueHere } from "../../../../continue.js";

export const POST = async ({ request }) => json(await continueHere(await request.json()));
